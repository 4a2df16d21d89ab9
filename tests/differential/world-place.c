/* SPDX-License-Identifier: Apache-2.0 */
/* Placements: which resource is where, in which words, and the manifests that say so. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "servers.h"

const struct world_placement world_placements[] = {
	{"file", "ffffff", NULL, 0},
	{"sqlite", "ssssss", NULL, 0},
	{"sqlite, nothing pushed", "ssssss", NULL, 1},
	{"sqlite, masked", "ssssss", "-filter -sort -limit -aggregate -group -join -key_lookup -nested_paths",
	 0},
	{"sqlite, no filter", "ssssss", "-filter", 0},
	{"sqlite, no sort and no group", "ssssss", "-sort -group", 0},
	{"sqlite, no join", "ssssss", "-join", 0},
	{"loose", "llllll", NULL, 0},
	{"two files of sqlite", "sossso", NULL, 0},
	{"two files of sqlite, no key lookup", "sossso", "-key_lookup -aggregate", 0},
	{"file to sqlite", "fsfsfs", NULL, 0},
	{"sqlite to file", "sfsfsf", NULL, 0},
	{"loose to sqlite", "lslsls", NULL, 0},
	{NULL, NULL, NULL, 0},
};

const struct world_placement world_postgres_placements[] = {
	{"file", "ffffff", NULL, 0},
	{"postgres", "pppppp", NULL, 0},
	{"postgres, nothing pushed", "pppppp", NULL, 1},
	{"postgres, masked", "pppppp",
	 "-filter -sort -limit -aggregate -group -join -key_lookup -nested_paths", 0},
	{"postgres, no filter", "pppppp", "-filter", 0},
	{"postgres, no sort and no group", "pppppp", "-sort -group", 0},
	{"postgres, no join", "pppppp", "-join", 0},
	{"postgres, no interleaving", "pppppp", "-concurrent_cursors -join", 0},
	{"folded", "qqqqqq", NULL, 0},
	{"two schemas of postgres", "pqpqpq", NULL, 0},
	{"file to postgres", "fpfpfp", NULL, 0},
	{"postgres to file", "pfpfpf", NULL, 0},
	{"sqlite to postgres", "sqspsq", NULL, 0},
	{"postgres to sqlite", "plpspl", NULL, 0},
	{NULL, NULL, NULL, 0},
};

const struct world_placement world_mongodb_placements[] = {
	{"file", "ffffff", NULL, 0},
	{"mongodb", "mmmmmm", NULL, 0},
	{"mongodb, nothing pushed", "mmmmmm", NULL, 1},
	{"mongodb, masked", "mmmmmm", "-filter -sort -limit -aggregate -group -join -key_lookup", 0},
	{"mongodb, no filter", "mmmmmm", "-filter", 0},
	{"mongodb, no sort and no group", "mmmmmm", "-sort -group", 0},
	{"mongodb, no join", "mmmmmm", "-join", 0},
	{"motley", "nnnnnn", NULL, 0},
	{"motley, no join", "nnnnnn", "-join", 0},
	{"two databases of mongodb", "mnmnmn", NULL, 0},
	{"file to mongodb", "fmfmfn", NULL, 0},
	{"mongodb to sqlite", "nsmsms", NULL, 0},
	{NULL, NULL, NULL, 0},
};

const struct world_placement world_redis_placements[] = {
	{"file", "ffffff", NULL, 0},
	{"redis", "rrrrrr", NULL, 0},
	{"redis, nothing pushed", "rrrrrr", NULL, 1},
	{"redis, no filter", "rrrrrr", "-filter", 0},
	{"redis, no key lookup", "rrrrrr", "-key_lookup", 0},
	{"documents", "jjjjjj", NULL, 0},
	{"indexed", "iiiiii", NULL, 0},
	{"cluster", "cccccc", NULL, 0},
	{"redis to sqlite", "rsjsis", NULL, 0},
	{"file to redis", "fcfifi", NULL, 0},
	{NULL, NULL, NULL, 0},
};

const struct world_placement world_mixed_placements[] = {
	{"file", "ffffff", NULL, 0},
	{"redis, mongodb, postgres", "mrpmpr", NULL, 0},
	{"postgres, redis, mongodb", "rpmrmc", NULL, 0},
	{"mongodb, postgres, redis", "pmrpim", NULL, 0},
	{"documents to postgres", "njqnni", NULL, 0},
	{"cluster, mixed", "qncmqn", "-join", 0},
	{NULL, NULL, NULL, 0},
};

/* --- resources --- */

#define DECLARED 1

static const struct world_attribute flight[] = {{"id", "int64", 0},
						{"departed_at", "timestamp", DECLARED},
						{"delay_min", "int64", 0},
						{"distance_mi", "int64", 0},
						{"origin", "text", 0},
						{"destination", "text", 0},
						{NULL, NULL, 0}},
				    airport[] = {{"iata", "text", 0},	      {"name", "text", 0},
						 {"city", "text", 0},	      {"state", "text", 0},
						 {"country", "text", 0},      {"latitude", "float64", 0},
						 {"longitude", "float64", 0}, {NULL, NULL, 0}},
				    weather[] = {{"observed_at", "timestamp", DECLARED},
						 {"pressure_hpa", "float64", 0},
						 {"temperature_c", "float64", 0},
						 {"wind_ms", "float64", 0},
						 {NULL, NULL, 0}},
				    strike[] = {{"id", "int64", 0},
						{"airport", "text", DECLARED},
						{"state", "text", DECLARED},
						{"flight_date", "date", DECLARED},
						{"aircraft", "json", DECLARED},
						{"phase", "text", DECLARED},
						{"damage", "text", DECLARED},
						{"wildlife", "json", DECLARED},
						{"cost", "json", DECLARED},
						{"speed_knots", "int64", DECLARED},
						{NULL, NULL, 0}},
				    edge[] = {{"id", "int64 not null", DECLARED},
					      {"i", "int64", DECLARED},
					      {"f", "float64", DECLARED},
					      {"s", "text", DECLARED},
					      {"d", "decimal(38,4)", DECLARED},
					      {"moment", "timestamp", DECLARED},
					      {"day", "date", DECLARED},
					      {"tm", "time", DECLARED},
					      {"b", "bool", DECLARED},
					      {"u", "uuid", DECLARED},
					      {"raw", "bytes", DECLARED},
					      {NULL, NULL, 0}};

static const struct world_attribute paper[] = {
	{"id", "int64 not null", DECLARED}, {"doc", "json", DECLARED}, {NULL, NULL, 0}};

const struct world_resource world_resources[WORLD_RESOURCES] = {
	{"flight", "flights", "flights.csv", flight,
	 "relationship.from_airport = airport, origin -> iata\n"
	 "relationship.to_airport = airport, destination -> iata\n"},
	{"airport", "airports", "airports.csv", airport,
	 "relationship.departures = flight, iata -> origin\n"
	 "relationship.arrivals = flight, iata -> destination\n"},
	{"weather", "weather", "weather.csv", weather, ""},
	{"strike", "strikes", "strikes.jsonl\nattribute.id = int64 from _id", strike, ""},
	{"edge", "edge", "edge.csv", edge,
	 "relationship.by_i = other, i -> i\nrelationship.by_f = other, f -> f\n"
	 "relationship.by_s = other, s -> s\nrelationship.by_d = other, d -> d\n"
	 "relationship.by_moment = other, moment -> moment\nrelationship.by_day = other, day -> day\n"
	 "relationship.by_tm = other, tm -> tm\nrelationship.by_b = other, b -> b\n"
	 "relationship.by_u = other, u -> u\nrelationship.by_raw = other, raw -> raw\n"
	 "relationship.by_both = other, i -> i, b -> b\n"},
	{"other", "other", "other.csv", edge, "relationship.back = edge, i -> i\n"},
	{"paper", "paper", "paper.csv", paper, ""},
};

#define POSTGRES "type = postgres\ndsn = ${env:CONSORT_TEST_POSTGRES_SOCKET_DSN}\noptions = -csearch_path="
#define MONGODB "type = mongodb\nuri = ${env:CONSORT_TEST_MONGODB_URI}\ndbname = "
#define REDIS "type = redis\nport = ${env:CONSORT_TEST_REDIS_PORT}\n"

static const struct {
	char letter;
	const char *name, *options, *features;
} homes[] = {
	{'f', "drop", "type = file\npath = .\n", ""},
	{'s', "strict", "type = sqlite\npath = strict.db\n", ""},
	{'o', "second", "type = sqlite\npath = other.db\n", ""},
	{'l', "loose", "type = sqlite\npath = loose.db\n", ""},
	{'p', "plain", POSTGRES "${env:WORLD_PLAIN}\n", ""},
	{'q', "folded", POSTGRES "${env:WORLD_FOLDED},public\n", ""},
	{'m', "bson", MONGODB "${env:WORLD}_m\n", ""},
	{'n', "motley", MONGODB "${env:WORLD}_n\n", " -introspect"},
	{'r', "hashes", REDIS "db = 1\n", ""},
	{'j', "documents", REDIS "db = 2\n", ""},
	{'i', "indexed", REDIS "db = 3\n", ""},
	{'c', "cluster", "type = redis\nnodes = ${env:CONSORT_TEST_REDIS_CLUSTER_NODES}\n", ""},
};
#define NHOMES (sizeof(homes) / sizeof(homes[0]))

const char *world_codec(char home, const struct world_resource *of, unsigned attribute)
{
	static const char *const codecs[][2] = {{"timestamp", "us"}, {"date", "days"}, {"time", "us"},
						{"bool", "int"},     {"bytes", "hex"}, {"uuid", "text"}};
	const char *type = of->attributes[attribute].type;
	size_t i;

	if (home == 'l' && of->attributes == weather && !attribute)
		return "s";
	if (home == 'm' && of->attributes == edge && !strcmp(type, "timestamp"))
		return "micros";
	if (home == 'n' && attribute && !strcmp(type, "timestamp"))
		return "micros";
	for (i = 0; home == 'j' && i < sizeof(codecs) / sizeof(*codecs); i++)
		if (!strcmp(type, codecs[i][0]))
			return codecs[i][1];
	return NULL;
}

int world_is_nested(char home, unsigned attribute)
{
	return home == 'n' && attribute % 2;
}

static int is_told(char home)
{
	return !strchr("mnrjic", home);
}

static void add_attributes(struct consort_buffer *text, char home, const struct world_resource *of)
{
	const struct world_attribute *attribute = of->attributes;
	unsigned i;

	consort_buffer_printf(text, "key = %s\n", attribute->name);
	for (i = 0; attribute[i].name; i++) {
		const char *codec = world_codec(home, of, i);

		if (is_told(home) && !attribute[i].declared)
			continue;
		consort_buffer_printf(text, "attribute.%s = %s", attribute[i].name, attribute[i].type);
		if (home == 'm' && !i)
			consort_buffer_text(text, " from _id");
		if (world_is_nested(home, i))
			consort_buffer_printf(text, " from in.%s", attribute[i].name);
		if (codec)
			consort_buffer_printf(text, " codec %s", codec);
		consort_buffer_char(text, '\n');
	}
	if (home == 'j')
		consort_buffer_text(text, "record = json\n");
	for (i = 1; home == 'i' && attribute[i].name; i++)
		if (strcmp(attribute[i].type, "json"))
			consort_buffer_printf(text, "index.by_%s = %s\n", attribute[i].name,
					      attribute[i].name);
}

static void add_resource(struct consort_buffer *text, char home, const struct world_resource *of)
{
	size_t i;

	for (i = 0; homes[i].letter != home; i++)
		;
	consort_buffer_printf(text, "[resource %s]\ndatabase = %s\nsource = ", of->name, homes[i].name);
	if (strchr("rjic", home))
		consort_buffer_printf(text, "${env:WORLD}_%c_", home);
	consort_buffer_printf(text, "%s\n", home == 'f' ? of->files : of->table);
	add_attributes(text, home, of);
	consort_buffer_text(text, of->relationships);
}

struct consort *world_open(const struct world_placement *placement)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = NULL;
	const char *path;
	size_t i;

	if (placement->no_pushdown)
		setenv("CONSORT_NO_PUSHDOWN", "1", 1);
	else
		unsetenv("CONSORT_NO_PUSHDOWN");
	for (i = 0; i < NHOMES; i++) {
		if (!strchr(placement->homes, homes[i].letter))
			continue;
		consort_buffer_printf(&text, "[database %s]\n%s", homes[i].name, homes[i].options);
		if (placement->features || *homes[i].features)
			consort_buffer_printf(&text, "features = %s%s\n",
					      placement->features ? placement->features : "",
					      homes[i].features);
	}
	for (i = 0; i < WORLD_RESOURCES; i++)
		add_resource(&text, placement->homes[i < 6 ? i : 4], &world_resources[i]);
	path = testing_write("consort.ini", text.data);
	consort_buffer_clear(&text);
	if (consort_open(path, &c, &error)) {
		fprintf(stderr, "%s: %s\n", placement->name, error.message);
		abort();
	}
	return c;
}

/* --- what the placements need --- */

#ifdef WORLD_POSTGRES
#define POSTGRES_PART world_make_postgres, world_drop_postgres
#else
#define POSTGRES_PART NULL, NULL
#endif
#ifdef WORLD_MONGODB
#define MONGODB_PART world_make_mongodb, world_drop_mongodb
#else
#define MONGODB_PART NULL, NULL
#endif
#ifdef WORLD_REDIS
#define REDIS_PART world_make_redis, world_drop_redis
#else
#define REDIS_PART NULL, NULL
#endif

static const struct part {
	const char *homes, *missing;
	const char *servers[2][2]; /* each with a variable that it tells */
	void (*make)(uint64_t seed, unsigned skipped);
	void (*drop)(void);
} parts[] = {
	{"pq", "configure with --enable-postgres", {{"postgres", "SOCKET_DSN"}}, POSTGRES_PART},
	{"mn", "configure with --enable-mongodb", {{"mongodb", "URI"}}, MONGODB_PART},
	{"rjic",
	 "configure with --enable-redis",
	 {{"redis", "PORT"}, {"redis-cluster", "NODES"}},
	 REDIS_PART},
};
#define NPARTS (sizeof(parts) / sizeof(parts[0]))

/* Does a resource live in one of these homes? */
static int is_used(const struct world_placement *placements, const char *letters)
{
	for (; placements->name; placements++)
		if (strpbrk(placements->homes, letters))
			return 1;
	return 0;
}

/* Indexes that an adapter keeps are its own affair: it makes them of the records that are there. */
static void make_indexes(unsigned skipped)
{
	static const struct world_placement indexed = {"indexed", "iiiiii", NULL, 0};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = world_open(&indexed);
	size_t i;

	for (i = skipped; i < WORLD_RESOURCES; i++)
		if (consort_define(c, world_resources[i].name, 0, NULL, &error)) {
			fprintf(stderr, "%s: %s\n", world_resources[i].name, error.message);
			abort();
		}
	consort_close(c);
}

void world_make(const struct world_placement *placements, uint64_t seed, unsigned skipped)
{
	char name[32];
	size_t i, j;

	for (i = 0; i < NPARTS; i++) {
		if (!is_used(placements, parts[i].homes))
			continue;
		if (!parts[i].make)
			testing_skip(parts[i].missing);
		for (j = 0; j < 2 && parts[i].servers[j][0]; j++)
			servers_get(parts[i].servers[j][0], parts[i].servers[j][1]);
	}
	snprintf(name, sizeof(name), "world_%ld", (long)getpid());
	setenv("WORLD", name, 1);
	world_make_files(seed, is_used(placements, "mn"));
	for (i = 0; i < NPARTS; i++)
		if (is_used(placements, parts[i].homes))
			parts[i].make(seed, skipped);
	if (is_used(placements, "i"))
		make_indexes(skipped);
}

void world_drop(const struct world_placement *placements)
{
	size_t i;

	for (i = 0; i < NPARTS; i++)
		if (is_used(placements, parts[i].homes))
			parts[i].drop();
}
