/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: from `destination_airport.city` to a column of a source. A dotted name is taken word by word from
 * the query's resource (whose own name may stand in front): an attribute, a relationship to follow, or an
 * attribute that is a document, into which the other words lead. Each word is looked up as written, then in
 * lower case unless it was quoted. An attribute's name may have points itself.
 */
#include "query/resolver.h"

#define MOST_PATHS 32 /* of relationships in a query: each is a join */

/* --- looking up --- */

static int64_t attribute_named(const struct consort_resource *resource, const char *name)
{
	uint32_t i;

	for (i = 0; name && i < resource->nattributes; i++)
		if (!strcmp(resource->attributes[i]->name, name))
			return i;
	return -1;
}

int64_t consort_query_attribute(const struct consort_resource *resource, const struct consort_word *word)
{
	int64_t found = attribute_named(resource, word->text);

	return found >= 0 ? found : attribute_named(resource, word->folded);
}

static const struct consort_relationship *relationship_named(const struct consort_resource *resource,
							     const struct consort_word *word)
{
	const char *spellings[] = {word->text, word->folded};
	uint32_t i, j;

	for (j = 0; j < 2 && spellings[j]; j++)
		for (i = 0; i < resource->nrelationships; i++)
			if (!strcmp(resource->relationships[i]->name, spellings[j]))
				return resource->relationships[i];
	return NULL;
}

/* words[0…count) as one word, with points between them; false: no memory. */
static bool join_words(struct consort_resolver *r, const struct consort_word *words, uint32_t count,
		       struct consort_word *out)
{
	struct consort_word joined = words[0];
	uint32_t i;

	for (i = 1; i < count && joined.text; i++) {
		const char *folded = joined.folded ? joined.folded : joined.text;

		if (joined.folded || words[i].folded)
			joined.folded =
				consort_arena_printf(r->scratch, "%s.%s", folded,
						     words[i].folded ? words[i].folded : words[i].text);
		joined.text = consort_arena_printf(r->scratch, "%s.%s", joined.text, words[i].text);
	}
	*out = joined;
	if (!joined.text)
		consort_query_no_memory(r);
	return joined.text != NULL;
}

void *consort_query_unknown(struct consort_resolver *r, const struct consort_resource *resource,
			    bool relationships, const struct consort_word *word)
{
	uint32_t count = 0, i;
	const char **known = consort_arena_array(
		r->scratch, (size_t)resource->nattributes + resource->nrelationships, sizeof(*known));
	char hint[160];

	if (!known)
		return consort_query_no_memory(r);
	for (i = 0; i < resource->nattributes; i++)
		known[count++] = resource->attributes[i]->name;
	for (i = 0; relationships && i < resource->nrelationships; i++)
		known[count++] = resource->relationships[i]->name;
	return consort_query_fail(
		r, word->at, CONSORT_ENAME, "%s: no attribute%s '%s'%s", resource->name,
		relationships ? " or relationship" : "", word->text,
		consort_hint(consort_nearest(word->text, known, count), hint, sizeof(hint)));
}

/* --- sources --- */

static bool add_source(struct consort_resolver *r, const struct consort_resource *resource,
		       const struct consort_relationship *via, uint32_t parent, const char *path)
{
	uint32_t *slots = consort_arena_array(r->scratch, resource->nattributes, sizeof(*slots));

	if (!slots || !path) {
		consort_query_no_memory(r);
		return false;
	}
	if (!consort_query_grow(r, &r->sources, r->nsources, &r->sources_capacity, sizeof(*r->sources)))
		return false;
	r->sources[r->nsources++] = (struct consort_source){
		.resource = resource, .via = via, .parent = parent, .path = path, .slots = slots};
	return true;
}

bool consort_query_slot(struct consort_resolver *r, uint32_t source, uint32_t attribute, uint32_t *out_slot)
{
	uint32_t *slot = &r->sources[source].slots[attribute];

	if (!*slot) {
		if (!consort_query_grow(r, &r->slots, r->nslots, &r->slots_capacity, sizeof(*r->slots)))
			return false;
		r->slots[r->nslots++] = (struct consort_slot){source, attribute};
		*slot = r->nslots;
	}
	*out_slot = *slot - 1;
	return true;
}

bool consort_query_base(struct consort_resolver *r, const char *name)
{
	const struct consort_resource *resource = NULL;

	r->status = r->names->resource(r->names->context, name, &resource, r->error);
	if (r->status)
		return false;
	if (!resource->nattributes)
		return consort_query_fail(r, -1, CONSORT_ENAME, "%s has no attributes", resource->name);
	return add_source(r, resource, NULL, 0, "");
}

/* The slots on both sides of the relationship that leads to a source; they must exist and have one type. */
static bool connect(struct consort_resolver *r, uint32_t source, int32_t at)
{
	struct consort_source *target = &r->sources[source];
	const struct consort_relationship *via = target->via;
	const struct consort_resource *to = target->resource, *from = r->sources[target->parent].resource;
	uint32_t i;

	target->from = consort_arena_array(r->scratch, via->nattributes, sizeof(*target->from));
	target->to = consort_arena_array(r->scratch, via->nattributes, sizeof(*target->to));
	if (!target->from || !target->to)
		return consort_query_no_memory(r);
	for (i = 0; i < via->nattributes; i++) {
		int64_t a = attribute_named(from, via->from[i]), b = attribute_named(to, via->to[i]);
		struct consort_type here, there;

		if (a < 0 || b < 0)
			return consort_query_fail(r, at, CONSORT_ENAME,
						  "relationship %s.%s: %s has no attribute '%s'", from->name,
						  via->name, a < 0 ? from->name : to->name,
						  a < 0 ? via->from[i] : via->to[i]);
		here = from->attributes[a]->type;
		there = to->attributes[b]->type;
		if (here.id != there.id || here.scale != there.scale || here.id == CONSORT_TYPE_LIST)
			return consort_query_fail(
				r, at, CONSORT_ETYPE,
				"relationship %s.%s: %s.%s is %s, but %s.%s is %s: declare one type for both",
				from->name, via->name, from->name, via->from[i], consort_type_noun(here),
				to->name, via->to[i], consort_type_noun(there));
		if (!consort_query_slot(r, target->parent, (uint32_t)a, &target->from[i]) ||
		    !consort_query_slot(r, source, (uint32_t)b, &target->to[i]))
			return false;
	}
	return true;
}

/* The source that a relationship of another leads to; made when it is first followed. */
static bool follow(struct consort_resolver *r, uint32_t parent, const struct consort_relationship *via,
		   int32_t at, uint32_t *out_source)
{
	const struct consort_resource *from = r->sources[parent].resource, *to = NULL;
	const char *path = via->name;
	uint32_t i;

	for (i = 1; i < r->nsources; i++) {
		if (r->sources[i].parent == parent && r->sources[i].via == via) {
			*out_source = i;
			return true;
		}
	}
	if (r->alone)
		return consort_query_fail(r, at, CONSORT_ESYNTAX,
					  "%s cannot follow relationships, like %s.%s", r->alone, from->name,
					  via->name);
	if (r->nsources > MOST_PATHS)
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "this follows more than %d relationships",
					  MOST_PATHS);
	if (r->names->target)
		r->status = r->names->target(r->names->context, from, via, &to, r->error);
	else
		r->status = r->names->resource(r->names->context, via->target, &to, r->error);
	if (r->status) {
		consort_error_prefix(r->error, "relationship %s.%s", from->name, via->name);
		return false;
	}
	if (parent)
		path = consort_arena_printf(r->arena, "%s.%s", r->sources[parent].path, via->name);
	*out_source = r->nsources;
	return add_source(r, to, via, parent, path) && connect(r, *out_source, at);
}

struct consort_expr *consort_query_column(struct consort_resolver *r, uint32_t source, uint32_t attribute,
					  int32_t at)
{
	const struct consort_attribute *what = r->sources[source].resource->attributes[attribute];
	struct consort_expr *expr = consort_query_make(r, CONSORT_EXPR_COLUMN, what->type, at);

	if (!expr || !consort_query_slot(r, source, attribute, &expr->index))
		return NULL;
	/* what a relationship leads to may not be there */
	if (!source && (what->flags & CONSORT_ATTRIBUTE_NOT_NULL))
		expr->flags = CONSORT_EXPR_NOT_NULL;
	return expr;
}

/* --- dotted names --- */

bool consort_query_check_step(struct consort_resolver *r, const struct consort_expr *step)
{
	if (step->type.id != CONSORT_TYPE_INT64 || step->value.as.int64 >= 0)
		return true;
	return consort_query_fail(r, step->position, CONSORT_ERANGE,
				  "positions in a document count from 0, and never from its end");
}

struct consort_expr *consort_query_path(struct consort_resolver *r, struct consort_expr *document,
					struct consort_expr *step, bool text, int32_t at)
{
	bool grows = document->kind == CONSORT_EXPR_CALL && document->op == CONSORT_OP_PATH;
	uint32_t nargs = grows ? document->nargs : 1;
	struct consort_expr **args =
		consort_arena_array(r->arena, (size_t)nargs + 1, sizeof(struct consort_expr *));

	if (!args)
		return consort_query_no_memory(r);
	if (grows)
		memcpy(args, document->args, nargs * sizeof(*args));
	else
		args[0] = document;
	args[nargs++] = step;
	return consort_query_call_n(r, text ? CONSORT_OP_PATH_TEXT : CONSORT_OP_PATH,
				    consort_type_of(text ? CONSORT_TYPE_TEXT : CONSORT_TYPE_JSON), args,
				    nargs, at);
}

/* The words that lead into a document, read as what they meet. */
static struct consort_expr *nested(struct consort_resolver *r, struct consort_expr *document,
				   const struct consort_word *words, uint32_t count)
{
	struct consort_expr *path = document;
	uint32_t i;

	for (i = 0; i < count && path; i++) {
		const char *key = consort_arena_text(r->arena, words[i].text);
		struct consort_expr *step =
			key ? consort_query_literal(r, consort_text(key), words[i].at) : NULL;

		if (!step)
			return consort_query_no_memory(r);
		path = consort_query_path(r, path, step, false, document->position);
	}
	if (path)
		path->flags |= CONSORT_QUERY_FLEXIBLE;
	return path;
}

/* The longest run of words that is an attribute of the source counts, but no shorter one than `least`. NULL
 * without an error: none is. */
static struct consort_expr *attribute_of(struct consort_resolver *r, uint32_t source,
					 const struct consort_word *words, uint32_t count, uint32_t least)
{
	const struct consort_resource *resource = r->sources[source].resource;
	struct consort_expr *column;
	struct consort_word joined;
	uint32_t run;
	int64_t found;

	for (run = count; run >= least; run--) {
		if (!join_words(r, words, run, &joined))
			return NULL;
		found = consort_query_attribute(resource, &joined);
		if (found < 0)
			continue;
		column = consort_query_column(r, source, (uint32_t)found, words[0].at);
		if (!column || run == count)
			return column;
		if (column->type.id == CONSORT_TYPE_JSON)
			return nested(r, column, words + run, count - run);
		return consort_query_fail_for(r, column, words[run].at, CONSORT_ENAME,
					      "%s has nothing inside, like '%s'",
					      consort_type_noun(column->type), words[run].text);
	}
	return NULL;
}

/* How many words in front of `rest` others are the resource's own name; its attributes and relationships come
 * first. */
static uint32_t own_name(struct consort_resolver *r, const struct consort_word *words, uint32_t count,
			 uint32_t rest)
{
	const struct consort_resource *resource = r->sources[0].resource;
	struct consort_word joined;
	uint32_t run = 1;
	const char *c;

	for (c = resource->name; *c; c++)
		run += *c == '.';
	if (run + rest > count || consort_query_attribute(resource, &words[0]) >= 0 ||
	    relationship_named(resource, &words[0]) || !join_words(r, words, run, &joined))
		return 0;
	if (!strcmp(joined.text, resource->name) || (joined.folded && !strcmp(joined.folded, resource->name)))
		return run;
	return 0;
}

/* The words of a dotted name as written, its own name in front left out. */
static bool read_words(struct consort_resolver *r, int32_t at, uint32_t rest,
		       struct consort_word words[CONSORT_QUERY_WORDS], uint32_t *out_from,
		       uint32_t *out_count)
{
	if (!consort_text_name(r->text, consort_text_token(r->text, at), r->scratch, words, out_count)) {
		consort_query_no_memory(r);
		return false;
	}
	if (!*out_count) {
		consort_query_fail(r, at, CONSORT_ESYNTAX, "a name has at most %d words",
				   CONSORT_QUERY_WORDS);
		return false;
	}
	*out_from = own_name(r, words, *out_count, rest);
	return true;
}

struct consort_expr *consort_query_name(struct consort_resolver *r, int32_t at)
{
	struct consort_word words[CONSORT_QUERY_WORDS];
	uint32_t source = 0, i, count;

	if (!read_words(r, at, 1, words, &i, &count))
		return NULL;
	for (;; i++) {
		const struct consort_resource *resource = r->sources[source].resource;
		const struct consort_relationship *via = relationship_named(resource, &words[i]);
		/* a relationship comes before a document of the same name */
		struct consort_expr *found =
			attribute_of(r, source, words + i, count - i, via ? count - i : 1);

		if (found || r->status)
			return found;
		if (via && i + 1 == count)
			return consort_query_fail(
				r, words[i].at, CONSORT_ENAME,
				"%s.%s is a relationship: name an attribute behind it, like %s.%s",
				resource->name, via->name, via->name, via->nattributes ? via->to[0] : "id");
		if (!via)
			return consort_query_unknown(r, resource, i + 1 < count, &words[i]);
		if (!follow(r, source, via, words[i].at, &source))
			return NULL;
	}
}

bool consort_query_star(struct consort_resolver *r, int32_t at, uint32_t *out_source)
{
	struct consort_word words[CONSORT_QUERY_WORDS];
	uint32_t source = 0, i, count;

	if (!read_words(r, at, 0, words, &i, &count))
		return false;
	for (; i < count; i++) {
		const struct consort_resource *resource = r->sources[source].resource;
		const struct consort_relationship *via = relationship_named(resource, &words[i]);

		if (!via)
			return consort_query_unknown(r, resource, true, &words[i]);
		if (!follow(r, source, via, words[i].at, &source))
			return false;
	}
	*out_source = source;
	return true;
}
