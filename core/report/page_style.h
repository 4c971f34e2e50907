/* page_style.h - how the page looks: on screens light and dark, narrow and wide, and on paper. */
#ifndef SY_REPORT_PAGE_STYLE_H
#define SY_REPORT_PAGE_STYLE_H

extern const char sy_page_style[];

#endif
