#include "lists.h"

static const unsigned char specification[] = {
#embed "../Bokbok/Documentation.docc/Specification.md"
};

static const struct bokbok_data_file files[] = {
    BOKBOK_DATA_FILE("Sources/Bokbok/Documentation.docc/Specification.md", specification),
};

BOKBOK_DATA_LIST(bokbok_data_specification);
