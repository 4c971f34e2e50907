#include "untrusted.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char variable[] = "SWITCHYARD_UNTRUSTED";

bool sy_untrusted_begin(const char *config) {
    char folder[PATH_MAX];
    struct stat status;
    bool there = realpath(config, folder) != NULL;
    char *slash = there ? strrchr(folder, '/') : NULL;
    if (slash && stat(folder, &status) == 0 && !S_ISDIR(status.st_mode)) {
        slash[slash == folder] = '\0';
    }
    /* What is not there is told when it is read; until then nothing may be. */
    return setenv(variable, there ? folder : "", 1) == 0 && unsetenv("SWITCHYARD_PLUGIN_PATH") == 0;
}

const char *sy_untrusted_folder(void) {
    return getenv(variable);
}

bool sy_untrusted_allows(const char *path) {
    const char *folder = sy_untrusted_folder();
    char real[PATH_MAX];
    if (!folder) {
        return true;
    }
    size_t length = strlen(folder);
    if (realpath(path, real)) {
        path = real;
    } else if (strstr(path, "..") || (errno != ENOENT && errno != ENOTDIR)) {
        /* Such as links that end at a path beyond PATH_MAX, which can be opened all the same. */
        return false;
    }
    return length > 0 && strncmp(path, folder, length) == 0 &&
           (path[length] == '/' || path[length] == '\0' || folder[length - 1] == '/');
}

bool sy_is_folder_name(const char *text) {
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '/' || (unsigned char)text[i] < 0x20 || text[i] == 0x7F) {
            return false;
        }
    }
    return length > 0 && length <= 200 && text[0] != '.';
}
