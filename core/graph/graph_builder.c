#include "graph_builder.h"
