#include "lists.h"

static const unsigned char frames[] = {
#embed "../../Vectors/frames.json"
};
static const unsigned char handshakes[] = {
#embed "../../Vectors/handshakes.json"
};
static const unsigned char keys[] = {
#embed "../../Vectors/keys.json"
};
static const unsigned char noise[] = {
#embed "../../Vectors/noise.json"
};
static const unsigned char records[] = {
#embed "../../Vectors/records.json"
};
static const unsigned char refusals[] = {
#embed "../../Vectors/refusals.json"
};
static const unsigned char sessions_plain[] = {
#embed "../../Vectors/sessions-plain.json"
};
static const unsigned char sessions_recorded[] = {
#embed "../../Vectors/sessions-recorded.json"
};
static const unsigned char sessions_sealed[] = {
#embed "../../Vectors/sessions-sealed.json"
};
static const unsigned char sessions_violations[] = {
#embed "../../Vectors/sessions-violations.json"
};
static const unsigned char settings[] = {
#embed "../../Vectors/settings.json"
};
static const unsigned char values[] = {
#embed "../../Vectors/values.json"
};

static const unsigned char frames_schema[] = {
#embed "../../Vectors/schemas/frames.schema.json"
};
static const unsigned char handshakes_schema[] = {
#embed "../../Vectors/schemas/handshakes.schema.json"
};
static const unsigned char keys_schema[] = {
#embed "../../Vectors/schemas/keys.schema.json"
};
static const unsigned char noise_schema[] = {
#embed "../../Vectors/schemas/noise.schema.json"
};
static const unsigned char records_schema[] = {
#embed "../../Vectors/schemas/records.schema.json"
};
static const unsigned char refusals_schema[] = {
#embed "../../Vectors/schemas/refusals.schema.json"
};
static const unsigned char sessions_schema[] = {
#embed "../../Vectors/schemas/sessions.schema.json"
};
static const unsigned char settings_schema[] = {
#embed "../../Vectors/schemas/settings.schema.json"
};
static const unsigned char values_schema[] = {
#embed "../../Vectors/schemas/values.schema.json"
};

static const struct bokbok_data_file files[] = {
    BOKBOK_DATA_FILE("Vectors/frames.json", frames),
    BOKBOK_DATA_FILE("Vectors/handshakes.json", handshakes),
    BOKBOK_DATA_FILE("Vectors/keys.json", keys),
    BOKBOK_DATA_FILE("Vectors/noise.json", noise),
    BOKBOK_DATA_FILE("Vectors/records.json", records),
    BOKBOK_DATA_FILE("Vectors/refusals.json", refusals),
    BOKBOK_DATA_FILE("Vectors/sessions-plain.json", sessions_plain),
    BOKBOK_DATA_FILE("Vectors/sessions-recorded.json", sessions_recorded),
    BOKBOK_DATA_FILE("Vectors/sessions-sealed.json", sessions_sealed),
    BOKBOK_DATA_FILE("Vectors/sessions-violations.json", sessions_violations),
    BOKBOK_DATA_FILE("Vectors/settings.json", settings),
    BOKBOK_DATA_FILE("Vectors/values.json", values),
    BOKBOK_DATA_FILE("Vectors/schemas/frames.schema.json", frames_schema),
    BOKBOK_DATA_FILE("Vectors/schemas/handshakes.schema.json", handshakes_schema),
    BOKBOK_DATA_FILE("Vectors/schemas/keys.schema.json", keys_schema),
    BOKBOK_DATA_FILE("Vectors/schemas/noise.schema.json", noise_schema),
    BOKBOK_DATA_FILE("Vectors/schemas/records.schema.json", records_schema),
    BOKBOK_DATA_FILE("Vectors/schemas/refusals.schema.json", refusals_schema),
    BOKBOK_DATA_FILE("Vectors/schemas/sessions.schema.json", sessions_schema),
    BOKBOK_DATA_FILE("Vectors/schemas/settings.schema.json", settings_schema),
    BOKBOK_DATA_FILE("Vectors/schemas/values.schema.json", values_schema),
};

BOKBOK_DATA_LIST(bokbok_data_vectors);
