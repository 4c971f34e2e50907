/* onednn.h - the backend's own settings. */
#ifndef ONEDNN_ONEDNN_H
#define ONEDNN_ONEDNN_H

/* How 3x3 convolutions of stride 1 are done. */
enum algorithm { CONV_AUTO, CONV_DIRECT, CONV_WINOGRAD, CONV_MEASURED };

#endif
