#include "plugins.h"
