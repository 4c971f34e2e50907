#include "run_folder.h"
