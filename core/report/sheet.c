/* sheet.c - a sheet as aligned text, Markdown, LaTeX (booktabs) or HTML. */
#include "sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CELL 256

/* ---- words ------------------------------------------------------------------------------------------------------ */

static const char *escape_latex(char letter) {
    switch (letter) {
    case '&':
        return "\\&";
    case '%':
        return "\\%";
    case '$':
        return "\\$";
    case '#':
        return "\\#";
    case '_':
        return "\\_";
    case '{':
        return "\\{";
    case '}':
        return "\\}";
    case '~':
        return "\\textasciitilde{}";
    case '^':
        return "\\textasciicircum{}";
    case '\\':
        return "\\textbackslash{}";
    case '<':
        return "\\textless{}";
    case '>':
        return "\\textgreater{}";
    case '|':
        return "\\textbar{}";
    case '"':
        return "''";
    default:
        return NULL;
    }
}

static const char *escape_html(char letter) {
    switch (letter) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static const char *escape_markdown(char letter) {
    switch (letter) {
    case '|':
        return "\\|";
    case '*':
        return "\\*";
    case '_':
        return "\\_";
    case '`':
        return "\\`";
    case '[':
        return "\\[";
    case '<':
        return "&lt;";
    case '\\':
        return "\\\\";
    default:
        return NULL;
    }
}

/* Bytes of the UTF-8 letter that begins here; 0 where none does. */
static size_t letter_bytes(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    size_t count = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : at[0] >= 0xe0 && at[0] < 0xf0 ? 3 : 0;
    count = at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : count;
    for (size_t i = 1; i < count; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return count;
}

/* Whether LaTeX as it comes has the letter: Latin ones, U+00A1 to U+017F. */
static bool latex_has(const char *text, size_t bytes) {
    return bytes == 1 || (bytes == 2 && (unsigned char)text[0] >= 0xc2 && (unsigned char)text[0] <= 0xc5);
}

void sy_write_escaped(FILE *out, const char *text, enum sy_sheet_form form) {
    const char *whole = text;
    for (; *text; text++) {
        static const char *const signs[] = {"+-", "±", "$\\pm$", "±"};
        const char *instead = NULL;
        unsigned char letter = (unsigned char)*text;
        size_t bytes = letter_bytes(text);
        if (bytes > 1 && (form != SY_SHEET_LATEX || latex_has(text, bytes))) {
            fwrite(text, 1, bytes, out);
            text += bytes - 1;
            continue;
        }
        if (bytes != 1) {
            fputc('?', out);
            text += bytes ? bytes - 1 : 0;
            continue;
        }
        if (!strncmp(text, "+- ", 3)) {
            fputs(signs[form], out);
            text++;
            continue;
        }
        bool first = text == whole || text[-1] == ' ' || text[-1] == '[';
        if (form == SY_SHEET_LATEX && letter == '-' && first && text[1] >= '0' && text[1] <= '9') {
            fputs("$-$", out);
            continue;
        }
        if (form == SY_SHEET_LATEX && !strncmp(text, "10^", 3) && text[3] >= '0' && text[3] <= '9') {
            size_t digits = strspn(text + 3, "0123456789");
            fprintf(out, "$10^{%.*s}$", (int)digits, text + 3);
            text += 2 + digits;
            continue;
        }
        if (letter < 32 || letter == 127) {
            instead = " ";
        } else if (form == SY_SHEET_LATEX) {
            instead = escape_latex(*text);
        } else if (form == SY_SHEET_HTML) {
            instead = escape_html(*text);
        } else if (form == SY_SHEET_MARKDOWN) {
            instead = escape_markdown(*text);
        }
        if (instead) {
            fputs(instead, out);
        } else {
            fputc(*text, out);
        }
    }
}

static void write_figure(FILE *out, const struct sy_cell *cell, enum sy_sheet_form form) {
    static const char *const signs[] = {" +- ", " ± ", " \\pm ", " ± "};
    char mean[64], sd[64];
    const bool latex = form == SY_SHEET_LATEX;
    if (!cell->figure.n) {
        fputs(latex ? "--" : "-", out);
        return;
    }
    sy_metric_write(mean, sizeof mean, cell->figure.mean, cell->digits);
    sy_metric_write(sd, sizeof sd, cell->figure.sd, cell->digits < 0 ? -2 : cell->digits);
    fputs(latex ? (cell->best ? "$\\mathbf{" : "$") : "", out);
    fputs(mean, out);
    fputs(latex && cell->best ? "}" : "", out);
    /* Where figures are told by what signifies, one that never varies says so by having no deviation. */
    if (cell->figure.n > 1 && (cell->digits >= 0 || cell->figure.sd > 0)) {
        fprintf(out, "%s%s", signs[form], sd);
    }
    fputs(latex ? "$" : "", out);
}

static void write_cell(FILE *out, const struct sy_cell *cell, enum sy_sheet_form form) {
    static const char *const open[] = {"", "**", "\\textbf{", "<strong>"};
    static const char *const shut[] = {"", "**", "}", "</strong>"};
    bool mark = cell->best && !(form == SY_SHEET_LATEX && !cell->text);
    fputs(mark ? open[form] : "", out);
    if (cell->text) {
        sy_write_escaped(out, cell->text, form);
    } else {
        write_figure(out, cell, form);
    }
    fputs(mark ? shut[form] : "", out);
}

/* ---- text ------------------------------------------------------------------------------------------------------- */

/* `marked`: a cell of the column is the best, and figures stay below each other. */
static void cell_text(char out[CELL], const struct sy_cell *cell, bool marked) {
    FILE *stream = fmemopen(out, CELL - 2, "w");
    out[0] = out[CELL - 1] = out[CELL - 2] = 0;
    if (stream) {
        write_cell(stream, cell, SY_SHEET_TEXT);
        fclose(stream);
    }
    if (marked) {
        strcat(out, cell->best ? "*" : " ");
    }
}

/* Letters, not bytes, of UTF-8. */
static int letters(const char *text) {
    int count = 0;
    for (; *text; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

static void pad(FILE *out, const char *text, int width, bool left, bool last) {
    int blank = width - letters(text);
    blank = blank > 0 ? blank : 0;
    if (left) {
        fprintf(out, "%s%*s", text, last ? 0 : blank, "");
    } else {
        fprintf(out, "%*s%s", blank, "", text);
    }
}

static bool has_best(const struct sy_sheet *sheet, int32_t column) {
    for (int32_t r = 0; r < sheet->rows; r++) {
        if (sheet->cells[r * sheet->columns + column].best) {
            return true;
        }
    }
    return false;
}

static int column_width(const struct sy_sheet *sheet, int32_t column) {
    char text[CELL];
    int width = letters(sheet->heads[column]);
    for (int32_t r = 0; r < sheet->rows; r++) {
        cell_text(text, &sheet->cells[r * sheet->columns + column], has_best(sheet, column));
        width = letters(text) > width ? letters(text) : width;
    }
    return width;
}

static void write_text(FILE *out, const struct sy_sheet *sheet) {
    char text[CELL];
    int *widths = sheet->widths;
    fprintf(out, "%s\n\n", sheet->title);
    for (int32_t c = 0; c < sheet->columns; c++) {
        widths[c] = column_width(sheet, c);
        fputs(c ? "  " : "", out);
        pad(out, sheet->heads[c], widths[c], sheet->left[c], c + 1 == sheet->columns);
    }
    fputs("\n", out);
    for (int32_t r = 0; r < sheet->rows; r++) {
        for (int32_t c = 0; c < sheet->columns; c++) {
            cell_text(text, &sheet->cells[r * sheet->columns + c], has_best(sheet, c));
            fputs(c ? "  " : "", out);
            pad(out, text, widths[c], sheet->left[c], c + 1 == sheet->columns);
        }
        fputs("\n", out);
    }
    if (sheet->note) {
        fprintf(out, "%s\n", sheet->note);
    }
}

/* ---- the others ------------------------------------------------------------------------------------------------- */

static void write_markdown(FILE *out, const struct sy_sheet *sheet) {
    fputs("**", out);
    sy_write_escaped(out, sheet->title, SY_SHEET_MARKDOWN);
    fputs("**\n\n|", out);
    for (int32_t c = 0; c < sheet->columns; c++) {
        fputs(" ", out);
        sy_write_escaped(out, sheet->heads[c], SY_SHEET_MARKDOWN);
        fputs(" |", out);
    }
    fputs("\n|", out);
    for (int32_t c = 0; c < sheet->columns; c++) {
        fputs(sheet->left[c] ? " :-- |" : " --: |", out);
    }
    for (int32_t r = 0; r < sheet->rows; r++) {
        fputs("\n|", out);
        for (int32_t c = 0; c < sheet->columns; c++) {
            fputs(" ", out);
            write_cell(out, &sheet->cells[r * sheet->columns + c], SY_SHEET_MARKDOWN);
            fputs(" |", out);
        }
    }
    fputs("\n", out);
    if (sheet->note) {
        fputs("\n", out);
        sy_write_escaped(out, sheet->note, SY_SHEET_MARKDOWN);
        fputs("\n", out);
    }
}

static void write_latex(FILE *out, const struct sy_sheet *sheet) {
    fputs("\\begin{table}\n\\centering\n\\small\n\\caption{", out);
    sy_write_escaped(out, sheet->title, SY_SHEET_LATEX);
    if (sheet->note) {
        fputs(". ", out);
        sy_write_escaped(out, sheet->note, SY_SHEET_LATEX);
    }
    fputs("}\n\\par\\medskip\n\\begin{tabular}{", out);
    for (int32_t c = 0; c < sheet->columns; c++) {
        fputc(sheet->left[c] ? 'l' : 'r', out);
    }
    fputs("}\n\\toprule\n", out);
    for (int32_t c = 0; c < sheet->columns; c++) {
        fputs(c ? " & " : "", out);
        sy_write_escaped(out, sheet->heads[c], SY_SHEET_LATEX);
    }
    fputs(" \\\\\n\\midrule\n", out);
    for (int32_t r = 0; r < sheet->rows; r++) {
        for (int32_t c = 0; c < sheet->columns; c++) {
            fputs(c ? " & " : "", out);
            write_cell(out, &sheet->cells[r * sheet->columns + c], SY_SHEET_LATEX);
        }
        fputs(" \\\\\n", out);
    }
    fputs("\\bottomrule\n\\end{tabular}\n\\end{table}\n", out);
}

static void write_html(FILE *out, const struct sy_sheet *sheet) {
    fputs("<div class=\"sheet\"><table>\n<caption>", out);
    sy_write_escaped(out, sheet->title, SY_SHEET_HTML);
    fputs("</caption>\n<thead><tr>", out);
    for (int32_t c = 0; c < sheet->columns; c++) {
        fprintf(out, "<th scope=\"col\"%s>", sheet->left[c] ? " class=\"left\"" : "");
        sy_write_escaped(out, sheet->heads[c], SY_SHEET_HTML);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    for (int32_t r = 0; r < sheet->rows; r++) {
        fputs("<tr>", out);
        for (int32_t c = 0; c < sheet->columns; c++) {
            fprintf(out, "<td%s>", sheet->left[c] ? " class=\"left\"" : "");
            write_cell(out, &sheet->cells[r * sheet->columns + c], SY_SHEET_HTML);
            fputs("</td>", out);
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n</table>", out);
    if (sheet->note) {
        fputs("<p class=\"note\">", out);
        sy_write_escaped(out, sheet->note, SY_SHEET_HTML);
        fputs("</p>", out);
    }
    fputs("</div>\n", out);
}

void sy_sheet_write(FILE *out, const struct sy_sheet *sheet, enum sy_sheet_form form) {
    static void (*const writers[])(FILE *, const struct sy_sheet *) = {write_text, write_markdown, write_latex,
                                                                       write_html};
    writers[form](out, sheet);
}
