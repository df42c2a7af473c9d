#include "lists.h"

static const unsigned char bokbok_chicken[] = {
#embed "../../Harness/Implementations/bokbok-chicken.json"
};
static const unsigned char bokbok_javascript[] = {
#embed "../../Harness/Implementations/bokbok-javascript.json"
};
static const unsigned char bokbok_python[] = {
#embed "../../Harness/Implementations/bokbok-python.json"
};
static const unsigned char bokbok_swift[] = {
#embed "../../Harness/Implementations/bokbok-swift.json"
};
static const unsigned char implementation_schema[] = {
#embed "../../Harness/Implementations/implementation.schema.json"
};

static const struct bokbok_data_file files[] = {
    BOKBOK_DATA_FILE("Harness/Implementations/bokbok-chicken.json", bokbok_chicken),
    BOKBOK_DATA_FILE("Harness/Implementations/bokbok-javascript.json", bokbok_javascript),
    BOKBOK_DATA_FILE("Harness/Implementations/bokbok-python.json", bokbok_python),
    BOKBOK_DATA_FILE("Harness/Implementations/bokbok-swift.json", bokbok_swift),
    BOKBOK_DATA_FILE("Harness/Implementations/implementation.schema.json", implementation_schema),
};

BOKBOK_DATA_LIST(bokbok_data_implementations);
