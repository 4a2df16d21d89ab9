/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options as libpq names them. A dsn is taken apart first, and options of their own stand over what it says;
 * below both are a service file's section, the environment, and libpq's defaults. libpq is asked what comes
 * of all of them, and what it has against them, by connections that it cannot even begin to make: so what is
 * wrong is told when the manifest is opened. What libpq has to say of a dsn that it cannot read is not shown:
 * it quotes it, password and all.
 */
#include "connect.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define CONNECT_TIMEOUT (30 * SECOND)
#define STATEMENTS_LEAST 4
#define STATEMENTS_MOST 4096

/* What the adapter decides. */
static const char *const fixed[][2] = {
	{"client_encoding", "UTF8"},
	{"fallback_application_name", "consort"},
};

/* A value that was given, NULL if none was. */
static const struct consort_value *option(const struct consort_database_config *config, const char *name)
{
	const struct consort_value *value = consort_setting_find(config->options, config->noptions, name);

	return value && !consort_value_is_null(value) ? value : NULL;
}

/* "database 'NAME': option 'OPTION': why"; `name` may be NULL. */
static uint32_t refuse(const struct pg_database *database, const char *name, const char *why,
		       struct consort_error *error)
{
	consort_error_set(error, CONSORT_EVALUE, "database '%s': %s%s%s%s", database->name,
			  name ? "option '" : "", name ? name : "", name ? "': " : "", why);
	consort_copy_text(error->attribute, sizeof(error->attribute), name ? name : "");
	return CONSORT_EVALUE;
}

/* --- keywords --- */

struct keywords {
	struct pg_database *database;
	PQconninfoOption *known; /* all that libpq knows */
	const char **origins;	 /* [KEYWORDS_MOST] the options that they were given by */
	uint32_t count;
	bool failed;
};

/* Not of libpq's: the adapter's own, and one in another unit. */
static bool is_keyword(const struct keywords *keywords, const char *name)
{
	const PQconninfoOption *at;

	if (!strcmp(name, "connect_timeout"))
		return false;
	for (at = keywords->known; at->keyword && strcmp(at->keyword, name); at++)
		;
	return at->keyword != NULL;
}

/* Sets a keyword, over what it was before. */
static void set(struct keywords *keywords, const char *keyword, const char *value, size_t size,
		const char *origin)
{
	struct pg_database *database = keywords->database;
	uint32_t i;

	for (i = 0; i < keywords->count && strcmp(database->keywords[i], keyword); i++)
		;
	if (i == PG_KEYWORDS_MOST) {
		keywords->failed = true;
		return;
	}
	database->keywords[i] = consort_arena_text(&database->arena, keyword);
	database->values[i] = consort_arena_copy(&database->arena, value, size);
	keywords->origins[i] = origin;
	if (!database->keywords[i] || !database->values[i])
		keywords->failed = true;
	else if (i == keywords->count)
		keywords->count++;
}

/* Takes libpq's words; are they about memory? */
static bool is_no_memory(char *message)
{
	bool no_memory = !message || strstr(message, "out of memory");

	PQfreemem(message);
	return no_memory;
}

static uint32_t take_dsn(struct keywords *keywords, const struct consort_value *dsn,
			 struct consort_error *error)
{
	struct pg_database *database = keywords->database;
	char *text = consort_arena_copy(&database->arena, dsn->as.view.data, (size_t)dsn->as.view.size);
	PQconninfoOption *options, *at;
	char *message = NULL;

	if (!text)
		return consort_error_no_memory(error);
	options = PQconninfoParse(text, &message);
	if (!options)
		return is_no_memory(message) ? consort_error_no_memory(error)
					     : refuse(database, "dsn",
						      "it is neither a URI (postgresql://user@host/database) "
						      "nor a list of libpq's "
						      "keywords (host=… dbname=…)",
						      error);
	for (at = options; at->keyword; at++)
		if (at->val)
			set(keywords, at->keyword, at->val, strlen(at->val), "dsn");
	PQconninfoFree(options);
	return CONSORT_OK;
}

/* An option's value as libpq wants it. */
static void take_option(struct keywords *keywords, const struct consort_setting *setting)
{
	const struct consort_value *value = &setting->value;
	char number[32];

	if (consort_value_is_null(value) || !is_keyword(keywords, setting->name))
		return;
	if (value->type.id == CONSORT_TYPE_TEXT) {
		set(keywords, setting->name, value->as.view.data, (size_t)value->as.view.size, setting->name);
	} else {
		snprintf(number, sizeof(number), "%lld", (long long)value->as.int64);
		set(keywords, setting->name, number, strlen(number), setting->name);
	}
}

static uint32_t take_keywords(struct keywords *keywords, const struct consort_database_config *config,
			      struct consort_error *error)
{
	const struct consort_value *dsn = option(config, "dsn");
	uint32_t status = CONSORT_OK, i;
	char *message = NULL;

	keywords->known = PQconninfoParse("", &message);
	PQfreemem(message);
	if (!keywords->known)
		return consort_error_no_memory(error);
	if (dsn)
		status = take_dsn(keywords, dsn, error);
	for (i = 0; !status && i < config->noptions; i++)
		take_option(keywords, &config->options[i]);
	for (i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		set(keywords, fixed[i][0], fixed[i][1], strlen(fixed[i][1]), NULL);
	PQconninfoFree(keywords->known);
	return !status && keywords->failed ? consort_error_no_memory(error) : status;
}

PGconn *pg_start_connecting(const struct pg_database *database, const char *const (*more)[2], uint32_t nmore)
{
	const char *keywords[PG_KEYWORDS_MOST + PG_KEYWORDS_MORE + 1];
	const char *values[PG_KEYWORDS_MOST + PG_KEYWORDS_MORE + 1];
	uint32_t count = 0, i;

	for (; database->keywords[count]; count++) {
		keywords[count] = database->keywords[count];
		values[count] = database->values[count];
	}
	for (i = 0; i < nmore; i++, count++) {
		keywords[count] = more[i][0];
		values[count] = more[i][1]; /* NULL: as if it were not there */
	}
	keywords[count] = values[count] = NULL;
	return PQconnectStartParams(keywords, values, 0);
}

/* --- what libpq thinks of them --- */

/* A value that is none, behind all others: where libpq complains of it, it had nothing to say of those
 * before. */
#define NOTHING "nothing at all"

/* libpq has put everything together when it looks at channel_binding, and has looked at all options when it
 * looks at an address; either is its end, before it connects. With a password it reads no file for one. */
static const char *const gathered[][2] = {{"password", NOTHING}, {"channel_binding", NOTHING}};
static const char *const checked[][2] = {
	{"password", NOTHING}, {"host", "nowhere"}, {"hostaddr", NOTHING}, {"port", "1"}};

/* A connection that has stopped there; *out_complaint is what else libpq has to say, or NULL. NULL: no
 * memory. */
static PGconn *try_options(const struct pg_database *database, const char *const (*more)[2], uint32_t nmore,
			   const char **out_complaint)
{
	PGconn *pq = pg_start_connecting(database, more, nmore);
	const char *message = pq ? PQerrorMessage(pq) : "out of memory";

	if (strstr(message, "out of memory")) {
		PQfinish(pq);
		return NULL;
	}
	*out_complaint = strstr(message, NOTHING) ? NULL : message;
	return pq;
}

/* Is there nothing that libpq has against them? *out_pq, to be finished, has what comes of them. */
static bool is_accepted(const struct pg_database *database, PGconn **out_pq, const char **out_complaint)
{
	PGconn *pq = try_options(database, gathered, 2, out_complaint), *other;

	*out_pq = pq;
	if (!pq || *out_complaint)
		return false;
	other = try_options(database, checked, 4, out_complaint);
	if (other && !*out_complaint) {
		PQfinish(other);
		return true;
	}
	PQfinish(pq);
	*out_pq = other;
	return false;
}

/* Which one is it? The first one that libpq is content without; `count` if that is none of them. */
static uint32_t find_culprit(const struct keywords *keywords)
{
	struct pg_database *database = keywords->database;
	bool accepted = false;
	uint32_t i;

	for (i = 0; i < keywords->count && !accepted; i++) {
		const char *value = database->values[i], *complaint = NULL;
		PGconn *pq = NULL;

		database->values[i] = ""; /* as if it were not there */
		accepted = is_accepted(database, &pq, &complaint);
		database->values[i] = value;
		PQfinish(pq);
	}
	return accepted ? i - 1 : i;
}

/* The option's value, or a part of the dsn, is wrong. What stands in a dsn is not shown: one that is misspelt
 * may have its password anywhere. */
static uint32_t refuse_keyword(const struct keywords *keywords, uint32_t at, const char *why,
			       struct consort_error *error)
{
	const struct pg_database *database = keywords->database;
	const char *origin = at < keywords->count ? keywords->origins[at] : NULL;
	char text[128];

	if (!origin || strcmp(origin, "dsn"))
		return refuse(database, origin, why, error);
	snprintf(text, sizeof(text), "its part '%s' is none that libpq takes", database->keywords[at]);
	return refuse(database, "dsn", text, error);
}

static uint32_t fail_options(const struct keywords *keywords, const char *complaint,
			     struct consort_error *error)
{
	char line[512];

	consort_copy_text(line, sizeof(line), complaint);
	line[strcspn(line, "\n")] = '\0';
	return refuse_keyword(keywords, find_culprit(keywords), line, error);
}

/* --- what comes of them --- */

static const char *find_value(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword; options++)
		if (!strcmp(options->keyword, keyword))
			return options->val && *options->val ? options->val : NULL;
	return NULL;
}

/* What comes of them, to be freed. libpq leaves a value out that it has no memory for, and says nothing: what
 * is told twice in the same way, and has the port that is always there, is whole. NULL: no memory. */
static PQconninfoOption *take_values(PGconn *pq)
{
	PQconninfoOption *options = PQconninfo(pq), *again = PQconninfo(pq), *at;
	bool whole = options && again && find_value(options, "port");
	size_t i;

	for (i = 0; whole && options[i].keyword; i++) {
		at = &options[i];
		whole = !at->val ? !again[i].val : again[i].val && !strcmp(at->val, again[i].val);
	}
	PQconninfoFree(again);
	if (whole)
		return options;
	PQconninfoFree(options);
	return NULL;
}

/* Where a keyword was given; `count`: in the environment, or a service file. */
static uint32_t find_keyword(const struct keywords *keywords, const char *keyword)
{
	const struct pg_database *database = keywords->database;
	uint32_t i;

	for (i = 0; i < keywords->count; i++)
		if (!strcmp(database->keywords[i], keyword) && *database->values[i])
			break;
	return i;
}

static uint32_t refuse_value(const struct keywords *keywords, const char *keyword, const char *value,
			     const char *why, struct consort_error *error)
{
	uint32_t at = find_keyword(keywords, keyword);
	char text[256];

	if (at < keywords->count)
		snprintf(text, sizeof(text), "'%s' %s", value, why);
	else
		snprintf(text, sizeof(text), "%s '%s', of the environment or a service file, %s", keyword,
			 value, why);
	return refuse_keyword(keywords, at, text, error);
}

static bool parse_number(const char *text, long long *out)
{
	char *end;

	*out = strtoll(text, &end, 10);
	return end != text && !end[strspn(end, " \t\n")] && *out >= INT32_MIN && *out <= INT32_MAX;
}

/* libpq looks at these when it has connected. */
static uint32_t check_values(const struct keywords *keywords, const PQconninfoOption *options,
			     struct consort_error *error)
{
	static const char *const numbers[] = {"connect_timeout",     "keepalives",	 "keepalives_idle",
					      "keepalives_interval", "keepalives_count", "tcp_user_timeout"};
	const char *mode = find_value(options, "sslmode"), *roots = find_value(options, "sslrootcert"),
		   *value;
	long long number;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		value = find_value(options, numbers[i]);
		if (value && !parse_number(value, &number))
			return refuse_value(keywords, numbers[i], value, "is no number", error);
	}
	if (mode && !strncmp(mode, "verify", 6) && roots && strcmp(roots, "system") && access(roots, R_OK))
		return refuse_value(keywords, "sslrootcert", roots, "cannot be read", error);
	return CONSORT_OK;
}

/* libpq's connect_timeout: whole seconds, of which none or less are no limit. An option of its own stands
 * over it. */
static void take_timeout(struct pg_database *database, const struct consort_database_config *config,
			 const PQconninfoOption *options)
{
	const struct consort_value *own = option(config, "connect_timeout");
	const char *value = find_value(options, "connect_timeout");
	long long seconds;

	database->connect_timeout = CONNECT_TIMEOUT;
	if (own)
		database->connect_timeout = own->as.int64;
	else if (value && parse_number(value, &seconds))
		database->connect_timeout = seconds > 0 ? seconds * SECOND : 0;
}

/* --- places --- */

/* The part of a list at that position, "" if there is none; a list of one part has it everywhere, if
 * `repeats`. */
static const char *part_of(struct pg_database *database, const char *list, uint32_t at, bool repeats)
{
	const char *comma;

	if (!list)
		return "";
	for (; at && (comma = strchr(list, ',')); at--)
		list = comma + 1;
	return at && !repeats ? "" : consort_arena_copy(&database->arena, list, strcspn(list, ","));
}

static uint32_t count_parts(const char *list)
{
	uint32_t count = 1;

	for (; list && (list = strchr(list, ',')); list++)
		count++;
	return count;
}

static uint32_t check_port(const struct keywords *keywords, const char *port, struct consort_error *error)
{
	long long number;

	if (!*port || (parse_number(port, &number) && number > 0 && number <= 65535))
		return CONSORT_OK;
	return refuse_value(keywords, "port", port, "is no port: give a number from 1 to 65535", error);
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

/* libpq has checked that the numbers of hosts, addresses and ports agree. */
static uint32_t take_places(const struct keywords *keywords, const PQconninfoOption *options,
			    struct consort_error *error)
{
	const char *hosts = find_value(options, "host"), *addresses = find_value(options, "hostaddr"),
		   *ports = find_value(options, "port");
	struct pg_database *database = keywords->database;
	uint32_t count = count_parts(addresses ? addresses : hosts), status, i;
	struct pg_place *places = consort_arena_array(&database->arena, count, sizeof(*places));

	if (!places)
		return consort_error_no_memory(error);
	for (i = 0; i < count; i++) {
		const char *host = part_of(database, hosts, i, false),
			   *address = part_of(database, addresses, i, false),
			   *port = part_of(database, ports, i, count_parts(ports) == 1);

		if (!host || !address || !port)
			return consort_error_no_memory(error);
		status = check_port(keywords, port, error);
		if (status)
			return status;
		places[i] = (struct pg_place){or_null(host), or_null(address), or_null(port)};
	}
	database->places = places;
	database->nplaces = count;
	for (i = 0; i < keywords->count; i++) /* each place has its own */
		if (!strncmp(database->keywords[i], "host", 4) || !strcmp(database->keywords[i], "port"))
			database->values[i] = "";
	return CONSORT_OK;
}

static uint32_t take_outcome(const struct keywords *keywords, const struct consort_database_config *config,
			     PGconn *pq, struct consort_error *error)
{
	PQconninfoOption *options = take_values(pq);
	const char *session;
	uint32_t status;

	if (!options)
		return consort_error_no_memory(error);
	session = find_value(options, "target_session_attrs");
	keywords->database->prefers_standby = session && !strcmp(session, "prefer-standby");
	take_timeout(keywords->database, config, options);
	status = check_values(keywords, options, error);
	if (!status)
		status = take_places(keywords, options, error);
	PQconninfoFree(options);
	return status;
}

/* --- all of them --- */

static void take_cache(struct pg_database *database, const struct consort_database_config *config)
{
	const struct consort_value *value = option(config, "statement_cache");

	if (value && value->as.int64 > 0)
		database->statements_most = value->as.int64 < STATEMENTS_LEAST	? STATEMENTS_LEAST
					    : value->as.int64 > STATEMENTS_MOST ? STATEMENTS_MOST
										: (uint32_t)value->as.int64;
}

uint32_t pg_take_options(struct pg_database *database, const struct consort_database_config *config,
			 struct consort_error *error)
{
	const char *origins[PG_KEYWORDS_MOST], *complaint = NULL;
	struct keywords keywords = {.database = database, .origins = origins};
	PGconn *pq = NULL;
	uint32_t status;

	database->keywords = consort_arena_array(&database->arena, PG_KEYWORDS_MOST + 1, sizeof(char *));
	database->values = consort_arena_array(&database->arena, PG_KEYWORDS_MOST + 1, sizeof(char *));
	if (!database->keywords || !database->values)
		return consort_error_no_memory(error);
	take_cache(database, config);
	status = take_keywords(&keywords, config, error);
	if (status)
		return status;
	if (is_accepted(database, &pq, &complaint))
		status = take_outcome(&keywords, config, pq, error);
	else
		status = pq ? fail_options(&keywords, complaint, error) : consort_error_no_memory(error);
	PQfinish(pq);
	return status;
}
