/*
 * Does one job with libpq, and prints the checksum, the time of the processor and that on the wall, both in nanoseconds.
 *
 * This file has what the jobs need; jobs.c is compiled behind it.
 *
 * Arguments: FOLDER PORT USER PASSWORD DATABASE WORKLOAD COUNT SQL. The data of a COPY comes from the standard input, and COUNT is how often it
 * is sent. Compiled with PIPELINE, CONNECTIONS, WIDE_ROWS and NAME, as workload.rs has them.
 */
#include <endian.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

/* From libpq 17 on; its header may be an older one. */
extern int	PQsetChunkedRowsMode(PGconn *conn, int chunk_size) __attribute__((weak));
#define ROWS_IN_A_CHUNK 256

static const char *keywords[] = {"host", "port", "user", "password", "dbname", "sslmode", NULL};
static const char *values[] = {NULL, NULL, NULL, NULL, NULL, "disable", NULL};
static const char *sql;
static uint64_t count;
static PGconn *conn;
static uint64_t sum;
static struct timespec wall, cpu;

static void
fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, conn ? PQerrorMessage(conn) : "");
	exit(1);
}

static void
start(void)
{
	sum = 0;
	clock_gettime(CLOCK_MONOTONIC, &wall);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
}

static int64_t
since(clockid_t clock, const struct timespec *then)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (now.tv_sec - then->tv_sec) * INT64_C(1000000000) + (now.tv_nsec - then->tv_nsec);
}

static void
stop(void)
{
	int64_t		spent = since(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	int64_t		passed = since(CLOCK_MONOTONIC, &wall);

	printf("%llu %lld %lld\n", (unsigned long long) sum, (long long) spent, (long long) passed);
}

static PGconn *
connected(void)
{
	PGconn	   *made = PQconnectdbParams(keywords, values, 0);

	if (PQstatus(made) != CONNECTION_OK)
	{
		conn = made;
		fail("connecting");
	}
	return made;
}

static void
check(const PGresult *result, ExecStatusType status)
{
	if (PQresultStatus(result) != status)
		fail(PQresStatus(PQresultStatus(result)));
}

static void
command(const char *text)
{
	PGresult   *result = PQexec(conn, text);

	check(result, PGRES_COMMAND_OK);
	PQclear(result);
}

static void
prepare(PGconn *on)
{
	PGresult   *result = PQprepare(on, "s", sql, 0, NULL);

	check(result, PGRES_COMMAND_OK);
	PQclear(result);
}

/* Values in the binary format. */

static int16_t
int2(const PGresult *result, int row, int column)
{
	uint16_t	value;

	memcpy(&value, PQgetvalue(result, row, column), sizeof value);
	return (int16_t) be16toh(value);
}

static int32_t
int4(const PGresult *result, int row, int column)
{
	uint32_t	value;

	memcpy(&value, PQgetvalue(result, row, column), sizeof value);
	return (int32_t) be32toh(value);
}

static int64_t
int8(const PGresult *result, int row, int column)
{
	uint64_t	value;

	memcpy(&value, PQgetvalue(result, row, column), sizeof value);
	return (int64_t) be64toh(value);
}

static void
bytes(const PGresult *result, int row, int column)
{
	const unsigned char *value = (const unsigned char *) PQgetvalue(result, row, column);
	int			length = PQgetlength(result, row, column);

	sum += (uint64_t) length + (length > 0 ? value[length - 1] : 0);
}

static void
narrow(const PGresult *result, int row)
{
	sum += (uint64_t) int8(result, row, 0);
	sum += (uint64_t) (int64_t) int4(result, row, 1);
	bytes(result, row, 2);
}

static void
wide(const PGresult *result, int row)
{
	sum += (uint64_t) int8(result, row, 0);
	sum += (uint64_t) (int64_t) int4(result, row, 1);
	sum += (uint64_t) (int64_t) int2(result, row, 2);
	sum += PQgetvalue(result, row, 3)[0] != 0;
	sum += (uint64_t) int8(result, row, 4);	/* the bits of a float8 */
	bytes(result, row, 5);
	bytes(result, row, 6);
	bytes(result, row, 7);
	bytes(result, row, 8);
	sum += PQgetisnull(result, row, 9) ? 1 : (uint64_t) int8(result, row, 9);
}

static void
affected(PGresult *result)
{
	check(result, PGRES_COMMAND_OK);
	sum += strtoull(PQcmdTuples(result), NULL, 10);
}

/* The parameters of the unit of this number, in the binary format. */
typedef struct
{
	uint64_t	big;
	uint32_t	small;
	const char *values[3];
	int			lengths[3];
	int			formats[3];
	int			count;
} Parameters;

static void
none(Parameters *p, uint64_t number)
{
	(void) number;
	p->count = 0;
}

static void
one_int8(Parameters *p, uint64_t value)
{
	p->big = htobe64(value);
	p->values[0] = (const char *) &p->big;
	p->lengths[0] = sizeof p->big;
	p->count = 1;
}

static void
key(Parameters *p, uint64_t number)
{
	one_int8(p, number % WIDE_ROWS + 1);
}

static void
parameter(Parameters *p, uint64_t number)
{
	p->small = htobe32((uint32_t) (number % 1000000));
	p->values[0] = (const char *) &p->small;
	p->lengths[0] = sizeof p->small;
	p->count = 1;
}

static void
inserted(Parameters *p, uint64_t number)
{
	one_int8(p, number);
	p->small = htobe32((uint32_t) (number % 1000));
	p->values[1] = (const char *) &p->small;
	p->lengths[1] = sizeof p->small;
	p->values[2] = NAME;
	p->lengths[2] = sizeof NAME - 1;
	p->count = 3;
}

typedef void (*Fill) (Parameters *, uint64_t);

static Parameters parameters = {.formats = {1, 1, 1}};

static void
send_one(PGconn *on, Fill fill, uint64_t number)
{
	Parameters *p = &parameters;

	fill(p, number);
	if (!PQsendQueryPrepared(on, "s", p->count, p->values, p->lengths, p->formats, 1))
		fail("sending");
}

static PGresult *
execute(Fill fill, uint64_t number)
{
	Parameters *p = &parameters;

	fill(p, number);
	return PQexecPrepared(conn, "s", p->count, p->values, p->lengths, p->formats, 1);
}
