/*
 * A validator of bearer tokens for PostgreSQL 18: a token "good-NAME" is NAME's, and every other is nobody's.
 *
 * It is declared here what of the server's interface it takes, so that it compiles where the server's headers are not.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct magic {
	int length;
	int version;
	int max_arguments;
	int max_index_keys;
	int name_length;
	int float8_by_value;
	char abi[32];
	const char *name;
	const char *module_version;
};

struct result {
	bool authorized;
	char *identity;
};

struct callbacks {
	uint32_t magic;
	void (*startup)(void *state);
	void (*shutdown)(void *state);
	bool (*validate)(const void *state, const char *token, const char *role, struct result *result);
};

/* The server's: a copy in memory that it frees by itself. */
extern char *pstrdup(const char *text);

const struct magic *Pg_magic_func(void);
const struct callbacks *_PG_oauth_validator_module_init(void);

const struct magic *
Pg_magic_func(void)
{
	static const struct magic magic = {
		.length = sizeof(struct magic),
		.version = 1800,
		.max_arguments = 100,
		.max_index_keys = 32,
		.name_length = 64,
		.float8_by_value = 1,
		.abi = "PostgreSQL",
	};

	return &magic;
}

static bool
validate(const void *state, const char *token, const char *role, struct result *result)
{
	static const char prefix[] = "good-";

	(void) state;
	(void) role;
	if (strncmp(token, prefix, sizeof(prefix) - 1) == 0)
	{
		result->authorized = true;
		result->identity = pstrdup(token + sizeof(prefix) - 1);
	}
	return true;
}

const struct callbacks *
_PG_oauth_validator_module_init(void)
{
	static const struct callbacks callbacks = {
		.magic = 0x20250220,
		.validate = validate,
	};

	return &callbacks;
}
