/* onednn.h - the backend's own settings. */
#ifndef ONEDNN_ONEDNN_H
#define ONEDNN_ONEDNN_H

/* How 3x3 convolutions are done. */
enum algorithm { CONV_AUTO, CONV_DIRECT, CONV_WINOGRAD, CONV_MEASURED, CONV_WINOGRAD_BF16 };

#endif
