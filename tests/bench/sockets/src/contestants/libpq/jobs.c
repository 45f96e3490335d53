
/*
 * The jobs, of which only what is between start and stop is measured. This stands behind base.c.
 */

static void
one_by_one(Fill fill, void (*take) (PGresult *))
{
	for (int warm = 1; warm >= 0; warm--)
	{
		if (!warm)
			start();
		for (uint64_t number = 0; number < (warm ? 10 : count); number++)
		{
			PGresult   *result = execute(fill, number);

			take(result);
			PQclear(result);
		}
	}
	stop();
}

static void
batch(Fill fill, void (*take) (PGresult *), uint64_t from, uint64_t until)
{
	PGresult   *result;

	for (uint64_t number = from; number < until; number++)
		send_one(conn, fill, number);
	if (!PQpipelineSync(conn))
		fail("PQpipelineSync");
	for (uint64_t number = from; number < until; number++)
	{
		result = PQgetResult(conn);
		take(result);
		PQclear(result);
		if (PQgetResult(conn) != NULL)
			fail("more than one result");
	}
	result = PQgetResult(conn);
	check(result, PGRES_PIPELINE_SYNC);
	PQclear(result);
}

static void
by_batches(Fill fill, void (*take) (PGresult *))
{
	if (!PQenterPipelineMode(conn))
		fail("PQenterPipelineMode");
	batch(fill, take, 0, count < PIPELINE ? count : PIPELINE);
	start();
	for (uint64_t from = 0; from < count; from += PIPELINE)
		batch(fill, take, from, count - from < PIPELINE ? count : from + PIPELINE);
	stop();
	if (!PQexitPipelineMode(conn))
		fail("PQexitPipelineMode");
}

static void
take_int4(PGresult *result)
{
	check(result, PGRES_TUPLES_OK);
	sum += (uint64_t) (int64_t) int4(result, 0, 0);
}

static void
take_wide(PGresult *result)
{
	check(result, PGRES_TUPLES_OK);
	wide(result, 0);
}

static void
select_text(void)
{
	for (int warm = 1; warm >= 0; warm--)
	{
		if (!warm)
			start();
		for (uint64_t number = 0; number < (warm ? 10 : count); number++)
		{
			PGresult   *result = PQexec(conn, sql);

			check(result, PGRES_TUPLES_OK);
			sum += (uint64_t) strtol(PQgetvalue(result, 0, 0), NULL, 10);
			PQclear(result);
		}
	}
	stop();
}

static void
stream(void (*take) (const PGresult *, int))
{
	PGresult   *result;
	int			set;

	prepare(conn);
	start();
	send_one(conn, one_int8, count);
	set = PQsetChunkedRowsMode ? PQsetChunkedRowsMode(conn, ROWS_IN_A_CHUNK) : PQsetSingleRowMode(conn);
	if (!set)
		fail("asking for rows as they arrive");
	while ((result = PQgetResult(conn)) != NULL)
	{
		int			rows = PQntuples(result);

		if (PQresultStatus(result) == PGRES_FATAL_ERROR)
			fail("streaming");
		for (int row = 0; row < rows; row++)
			take(result, row);
		PQclear(result);
	}
	stop();
}

static void
copy_in(void)
{
	static char piece[1 << 16];
	size_t		length = fread(piece, 1, sizeof piece, stdin);
	PGresult   *result;

	command("begin");
	start();
	result = PQexec(conn, sql);
	check(result, PGRES_COPY_IN);
	PQclear(result);
	for (uint64_t number = 0; number < count; number++)
		if (PQputCopyData(conn, piece, (int) length) != 1)
			fail("PQputCopyData");
	if (PQputCopyEnd(conn, NULL) != 1)
		fail("PQputCopyEnd");
	result = PQgetResult(conn);
	affected(result);
	PQclear(result);
	if (PQgetResult(conn) != NULL)
		fail("more than one result");
	stop();
	command("rollback");
}

static void
copy_out(void)
{
	PGresult   *result;
	char	   *data;
	int			length;

	start();
	result = PQexec(conn, sql);
	check(result, PGRES_COPY_OUT);
	PQclear(result);
	while ((length = PQgetCopyData(conn, &data, 0)) > 0)
	{
		sum += (uint64_t) length;
		PQfreemem(data);
	}
	if (length != -1)
		fail("PQgetCopyData");
	result = PQgetResult(conn);
	check(result, PGRES_COMMAND_OK);
	PQclear(result);
	stop();
}

static void
sixteen(void)
{
	PGconn	   *all[CONNECTIONS];
	struct pollfd polled[CONNECTIONS];

	for (int i = 0; i < CONNECTIONS; i++)
	{
		all[i] = connected();
		prepare(all[i]);
		polled[i] = (struct pollfd) {.fd = PQsocket(all[i]), .events = POLLIN};
	}
	for (int warm = 1; warm >= 0; warm--)
	{
		uint64_t	left[CONNECTIONS];
		int			busy = CONNECTIONS;

		if (!warm)
			start();
		for (int i = 0; i < CONNECTIONS; i++)
		{
			left[i] = warm ? 10 : count / CONNECTIONS;
			send_one(all[i], none, 0);
		}
		while (busy > 0)
		{
			if (poll(polled, CONNECTIONS, -1) < 0)
				fail("poll");
			for (int i = 0; i < CONNECTIONS; i++)
			{
				PGresult   *result;

				if (polled[i].revents == 0)
					continue;
				if (!PQconsumeInput(all[i]))
					fail("PQconsumeInput");
				if (PQisBusy(all[i]))
					continue;
				result = PQgetResult(all[i]);
				take_int4(result);
				PQclear(result);
				if (PQgetResult(all[i]) != NULL)
					fail("more than one result");
				if (--left[i] > 0)
					send_one(all[i], none, 0);
				else
					busy--;
			}
		}
	}
	stop();
}

static void
connecting(void)
{
	PQfinish(connected());
	start();
	for (uint64_t number = 0; number < count; number++)
		PQfinish(connected());
	stop();
}

int
main(int argc, char **argv)
{
	const char *workload;

	if (argc != 9)
		return 2;
	for (int i = 0; i < 5; i++)
		values[i] = argv[1 + i];
	workload = argv[6];
	count = strtoull(argv[7], NULL, 10);
	sql = argv[8];
#define IS(name) (strcmp(workload, name) == 0)
	if (IS("connect") || IS("reconnect"))
	{
		connecting();
		return 0;
	}
	conn = connected();
	if (IS("select"))
	{
		prepare(conn);
		one_by_one(none, take_int4);
	}
	else if (IS("select-text"))
		select_text();
	else if (IS("row"))
	{
		prepare(conn);
		one_by_one(key, take_wide);
	}
	else if (IS("pipeline"))
	{
		prepare(conn);
		by_batches(parameter, take_int4);
	}
	else if (IS("stream-narrow"))
		stream(narrow);
	else if (IS("stream-wide"))
		stream(wide);
	else if (IS("insert") || IS("insert-pipelined"))
	{
		prepare(conn);
		command("begin");
		if (IS("insert"))
			one_by_one(inserted, affected);
		else
			by_batches(inserted, affected);
		command("rollback");
	}
	else if (IS("copy-in"))
		copy_in();
	else if (IS("copy-out"))
		copy_out();
	else if (IS("sixteen"))
		sixteen();
	else
		return 3;
	PQfinish(conn);
	return 0;
}
