#include "lists.h"

static const unsigned char recording_schema[] = {
#embed "../../Harness/Recordings/recording.schema.json"
};

static const unsigned char capsule_schema[] = {
#embed "../../Harness/Capsules/capsule.schema.json"
};

static const struct bokbok_data_file files[] = {
    BOKBOK_DATA_FILE("Harness/Recordings/recording.schema.json", recording_schema),
    BOKBOK_DATA_FILE("Harness/Capsules/capsule.schema.json", capsule_schema),
};

BOKBOK_DATA_LIST(bokbok_data_recordings);
