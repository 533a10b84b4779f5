#include "lda/mapd/protocols.h"

#include <stddef.h>

#define LISTEN(name) #name, offsetof(struct mr_settings, name)

const struct mr_protocol mr_protocols[] = {
	{ "map", LISTEN(map_listen), mr_map_check, mr_map_open, mr_map_close, mr_map_start },
	{ "policy", LISTEN(policy_listen), mr_policy_check, mr_policy_open, mr_policy_close,
	  mr_policy_start },
	{ "dict", LISTEN(dict_listen), NULL, mr_dict_open, mr_dict_close, NULL },
};
const size_t mr_protocol_count = MR_COUNT(mr_protocols);
_Static_assert(MR_COUNT(mr_protocols) <= MR_PROTOCOLS_MAX, "the metrics have no row for it");
