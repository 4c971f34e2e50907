/* exam_file.c - the file as the loader sees it, and the descriptor as a person does. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "../record/run_folder.h"
#include "exam.h"

/* ---- symbols ---------------------------------------------------------------------------------------------------- */

struct symbols {
    int32_t exported, of_core;
    char other[128], wanted[128]; /* an exported one that is not ours, a wanted one that is the core's */
};

/* Counts one symbol of the dynamic table. */
static void count(struct symbols *symbols, const Elf64_Sym *symbol, const char *name) {
    int binding = ELF64_ST_BIND(symbol->st_info), type = ELF64_ST_TYPE(symbol->st_info);
    if (!*name || (binding != STB_GLOBAL && binding != STB_WEAK)) {
        return;
    }
    if (symbol->st_shndx == SHN_UNDEF) {
        if (!strncmp(name, "sy_", 3)) {
            symbols->of_core++;
            snprintf(symbols->wanted, sizeof symbols->wanted, "%s", name);
        }
    } else if (type == STT_OBJECT || type == STT_FUNC) {
        symbols->exported++;
        if (strcmp(name, SY_SYMBOL)) {
            snprintf(symbols->other, sizeof symbols->other, "%s", name);
        }
    }
}

/* Walks the dynamic symbols of a 64-bit file of this machine's byte order; false if it is none. */
static bool read_symbols(struct symbols *out, const unsigned char *bytes, size_t size) {
    Elf64_Ehdr head;
    if (size < sizeof head) {
        return false;
    }
    memcpy(&head, bytes, sizeof head);
    if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_shentsize != sizeof(Elf64_Shdr) || head.e_shoff > size ||
        head.e_shnum > (size - head.e_shoff) / sizeof(Elf64_Shdr)) {
        return false;
    }
    for (size_t i = 0; i < head.e_shnum; i++) {
        Elf64_Shdr table, texts;
        memcpy(&table, bytes + head.e_shoff + i * sizeof table, sizeof table);
        if (table.sh_type != SHT_DYNSYM || table.sh_link >= head.e_shnum) {
            continue;
        }
        memcpy(&texts, bytes + head.e_shoff + table.sh_link * sizeof texts, sizeof texts);
        if (table.sh_offset > size || table.sh_size > size - table.sh_offset || texts.sh_offset > size ||
            !texts.sh_size || texts.sh_size > size - texts.sh_offset ||
            bytes[texts.sh_offset + texts.sh_size - 1] != 0) {
            return false;
        }
        for (size_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
            Elf64_Sym symbol;
            memcpy(&symbol, bytes + table.sh_offset + at, sizeof symbol);
            if (symbol.st_name < texts.sh_size) {
                count(out, &symbol, (const char *)bytes + texts.sh_offset + symbol.st_name);
            }
        }
    }
    return true;
}

void sy_exam_file(struct sy_exam *exam, const char *path) {
    struct symbols symbols = {.exported = 0};
    struct sy_error err = {.size = sizeof err};
    char *bytes = NULL;
    size_t size = 0;
    if (sy_read_file(path, &bytes, &size, &err) != SY_OK) {
        sy_exam_fail(exam, "file", "%s", err.text);
    } else if (!read_symbols(&symbols, (const unsigned char *)bytes, size)) {
        sy_exam_skip(exam, "symbols", "it is not a 64-bit ELF file");
    } else {
        if (symbols.of_core) {
            sy_exam_fail(exam, "needs nothing of the program", "wants %s; headers are all a plugin gets",
                         symbols.wanted);
        } else {
            sy_exam_pass(exam, "needs nothing of the program", "%s", "");
        }
        if (symbols.exported == 1) {
            sy_exam_pass(exam, "exports one symbol", "%s", "");
        } else {
            sy_exam_pass(exam, "exports " SY_SYMBOL, "and %d more, such as %s: -fvisibility=hidden hides them",
                         symbols.exported - 1, symbols.other);
        }
    }
    free(bytes);
}

/* ---- descriptor ------------------------------------------------------------------------------------------------- */

void sy_exam_descriptor(struct sy_exam *exam) {
    const struct sy_plugin *plugin = &exam->found->plugin;
    struct sy_field row;
    int32_t rows = 0, mute = 0;
    char first[64] = "";
    for (size_t i = 0; sy_table_row(&exam->found->table, i, &row); i++) {
        rows++;
        if (!row.doc || !*row.doc) {
            snprintf(first, sizeof first, "%s", mute++ ? first : row.name);
        }
    }
    sy_exam_pass(exam, "descriptor, defaults in their ranges", "%d fields", rows);
    if (!plugin->doc || !*plugin->doc) {
        sy_exam_fail(exam, "help", "the plugin has no .doc, one line for `switchyard list`");
    } else if (mute) {
        sy_exam_fail(exam, "help", "%d of %d fields have no .doc, the first is %s", mute, rows, first);
    } else {
        sy_exam_pass(exam, "help", "%s", plugin->reference ? plugin->reference : "no .reference: from no paper?");
    }
}
