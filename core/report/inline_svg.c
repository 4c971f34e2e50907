/* inline_svg.c - see inline_svg.h. */
#include <stdbool.h>
#include <string.h>

#include "inline_svg.h"
#include "sheet.h"

/* Where an id is named within a tag; the text behind it begins with the id. */
static const char *const before[] = {" id='", " id=\"", "href='#", "href=\"#", "url(#"};

/* Copies up to `end`, ids with the prefix. */
static void copy(FILE *out, const char *from, const char *end, const char *prefix) {
    bool tag = false;
    while (from < end) {
        size_t found = 0;
        tag = *from == '<' || (tag && *from != '>');
        for (size_t i = 0; tag && i < sizeof before / sizeof *before && !found; i++) {
            found = !strncmp(from, before[i], strlen(before[i])) ? strlen(before[i]) : 0;
        }
        if (found) {
            fwrite(from, 1, found, out);
            fputs(prefix, out);
            from += found;
        } else {
            fputc(*from++, out);
        }
    }
}

/* The part of a picture behind its title and description, which say only that gnuplot made it. */
static const char *behind(const char *from, const char *end, const char *mark) {
    const char *at = strstr(from, mark);
    return at && at < end ? at + strlen(mark) : from;
}

bool sy_inline_svg(FILE *out, const char *svg, const char *prefix, const char *label) {
    const char *start = strstr(svg, "<svg"), *inner = start ? strchr(start, '>') : NULL;
    const char *end = inner ? strstr(inner, "</svg>") : NULL, *box = start ? strstr(start, "viewBox=\"") : NULL;
    if (!end || !box || box > inner) {
        return false;
    }
    box += strlen("viewBox=\"");
    size_t length = strspn(box, "0123456789. ");
    fprintf(out, "<svg viewBox=\"%.*s\" role=\"img\" aria-label=\"", (int)length, box);
    sy_write_escaped(out, label, SY_SHEET_HTML);
    fputs("\">", out);
    inner = behind(inner + 1, end, "</title>");
    inner = behind(inner, end, "</desc>");
    copy(out, inner, end, prefix);
    fputs("</svg>", out);
    return true;
}
