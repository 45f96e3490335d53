/*
 * Asks libpq what it makes of connection strings. One request a line, all texts in hexadecimal digits:
 *
 *   P text         PQconninfoParse
 *   D              PQconndefaults
 *   C text         PQconnectStart, then what PQconninfo and PQpass say
 *   V name value   sets an environment variable
 *   W              removes every variable that was set
 *
 * The answer to P, D and C is `1`, or `0` and the error; a line for each keyword that has a value; for C the password, as `pass`, and the
 * error, as `error`; and a dot. V and W have no answer. The first line of all is the version of libpq.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What libpq-fe.h has of it, which is the same in every version: so no header is needed. */
typedef struct
{
	char	   *keyword;
	char	   *envvar;
	char	   *compiled;
	char	   *val;
	char	   *label;
	char	   *dispchar;
	int			dispsize;
} Option;

typedef struct pg_conn PGconn;

extern int	PQlibVersion(void);
extern Option *PQconninfoParse(const char *conninfo, char **errmsg);
extern Option *PQconndefaults(void);
extern Option *PQconninfo(PGconn *conn);
extern void PQconninfoFree(Option *options);
extern void PQfreemem(void *memory);
extern PGconn *PQconnectStart(const char *conninfo);
extern char *PQerrorMessage(const PGconn *conn);
extern char *PQpass(const PGconn *conn);
extern void PQfinish(PGconn *conn);

static char *names[256];
static int	name_count = 0;

static void
put_hex(const char *text)
{
	for (; *text; text++)
		printf("%02x", (unsigned char) *text);
}

static char *
from_hex(const char *digits)
{
	size_t		length = digits ? strlen(digits) / 2 : 0;
	char	   *text = malloc(length + 1);

	for (size_t i = 0; i < length; i++)
	{
		unsigned	byte = 0;

		sscanf(digits + 2 * i, "%2x", &byte);
		text[i] = (char) byte;
	}
	text[length] = 0;
	return text;
}

static void
put_options(Option *options)
{
	for (Option *option = options; option && option->keyword; option++)
	{
		if (!option->val)
			continue;
		printf("%s ", option->keyword);
		put_hex(option->val);
		printf("\n");
	}
	PQconninfoFree(options);
}

static void
put_failure(const char *message)
{
	printf("0 ");
	put_hex(message ? message : "");
	printf("\n");
}

static void
parse(const char *text)
{
	char	   *message = NULL;
	Option	   *options = PQconninfoParse(text, &message);

	if (options)
		printf("1\n");
	else
		put_failure(message);
	put_options(options);
	PQfreemem(message);
}

static void
connect_to(const char *text)
{
	PGconn	   *conn = PQconnectStart(text);

	printf("1\n");
	put_options(PQconninfo(conn));
	printf("pass ");
	put_hex(PQpass(conn));
	printf("\nerror ");
	put_hex(PQerrorMessage(conn));
	printf("\n");
	PQfinish(conn);
}

int
main(void)
{
	char	   *line = NULL;
	size_t		size = 0;

	printf("%d\n", PQlibVersion());
	fflush(stdout);
	while (getline(&line, &size, stdin) > 0)
	{
		char	   *command = strtok(line, " \n");
		char	   *first = from_hex(strtok(NULL, " \n"));
		char	   *second = from_hex(strtok(NULL, " \n"));

		switch (command ? command[0] : 0)
		{
			case 'P':
				parse(first);
				break;
			case 'D':
				printf("1\n");
				put_options(PQconndefaults());
				break;
			case 'C':
				connect_to(first);
				break;
			case 'V':
				setenv(first, second, 1);
				if (name_count < 256)
					names[name_count++] = strdup(first);
				break;
			case 'W':
				while (name_count > 0)
				{
					unsetenv(names[--name_count]);
					free(names[name_count]);
				}
				break;
		}
		if (command && strchr("PDC", command[0]))
		{
			printf(".\n");
			fflush(stdout);
		}
		free(first);
		free(second);
	}
	return 0;
}
