/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin path, and the walk over the candidates on it. A candidate is examined as far as can be without
 * running it: its note, its ABI, its id, its owner and mode.
 */
#include "loader/loader.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define PREFIX "consort-"
#define SUFFIX ".so"

/* --- the path --- */

static bool has_folder(const struct consort_search *search, const char *folder)
{
	uint32_t i;

	for (i = 0; i < search->nfolders; i++)
		if (!strcmp(search->folders[i], folder))
			return true;
	return false;
}

/* Without slashes at its end; empty ones and those already there are left out. False: no memory. */
static bool add_folder(struct consort_search *search, uint32_t capacity, const char *folder, size_t size)
{
	const char *copy;

	while (size > 1 && folder[size - 1] == '/')
		size--;
	if (!size)
		return true;
	copy = consort_arena_copy(&search->arena, folder, size);
	if (!copy)
		return false;
	if (search->nfolders < capacity && !has_folder(search, copy))
		search->folders[search->nfolders++] = copy;
	return true;
}

static bool add_list(struct consort_search *search, uint32_t capacity, const char *list)
{
	while (list && *list) {
		size_t size = strcspn(list, ":");

		if (!add_folder(search, capacity, list, size))
			return false;
		list += size + (list[size] == ':');
	}
	return true;
}

static uint32_t list_length(const char *list)
{
	uint32_t n = list ? 1 : 0;

	for (; list && *list; list++)
		n += *list == ':';
	return n;
}

enum consort_status consort_search_init(struct consort_search *search, const char *plugin_path,
					struct consort_error *error)
{
	/* secure_getenv answers NULL in a privileged process: no folder of the caller's choice there */
	const char *environment = secure_getenv("CONSORT_PLUGIN_PATH"), *home = secure_getenv("HOME");
	const char *data = secure_getenv("XDG_DATA_HOME"), *user = NULL;
	uint32_t capacity = list_length(plugin_path) + list_length(environment) + 2;

	memset(search, 0, sizeof(*search));
	consort_arena_init(&search->arena, 0);
	search->folders = consort_arena_array(&search->arena, capacity, sizeof(*search->folders));
	if (!search->folders)
		goto no_memory;
	if (data && data[0] == '/') /* a relative one is to be ignored, says the XDG specification */
		user = consort_arena_join(&search->arena, data, "/consort/plugins", NULL);
	else if (home && home[0] == '/')
		user = consort_arena_join(&search->arena, home, "/.local/share/consort/plugins", NULL);
	if (!user && ((data && data[0] == '/') || (home && home[0] == '/')))
		goto no_memory;
	if (!add_list(search, capacity, plugin_path) || !add_list(search, capacity, environment) ||
	    (user && !add_folder(search, capacity, user, strlen(user))) ||
	    !add_folder(search, capacity, CONSORT_PLUGIN_DIR, strlen(CONSORT_PLUGIN_DIR)))
		goto no_memory;
	return CONSORT_OK;
no_memory:
	consort_search_clear(search);
	return consort_error_no_memory(error);
}

void consort_search_clear(struct consort_search *search)
{
	consort_arena_clear(&search->arena);
	search->nfolders = 0;
	search->folders = NULL;
}

/* --- a candidate --- */

/* "folder/name" to be freed, or NULL: no memory. */
static char *join(const char *folder, const char *name)
{
	char *path = malloc(strlen(folder) + strlen(name) + 2);

	if (path)
		stpcpy(stpcpy(stpcpy(path, folder), "/"), name);
	return path;
}

void consort_candidate_clear(struct consort_candidate *candidate)
{
	free(candidate->path);
	free(candidate->canonical);
	memset(candidate, 0, sizeof(*candidate));
}

/* A folder whose files are looked at one after the other: what is known of it once need not be asked again. */
struct place {
	const char *folder;  /* as in the search */
	char *canonical;     /* NULL: cannot be had */
	bool trusted;        /* it, and all above it */
};

/* An absolute path without empty parts, "." and "..". */
static bool is_plain(const char *path)
{
	size_t size;

	for (; *path == '/'; path += size + 1) {
		size = strcspn(path + 1, "/");
		if (!size || (size <= 2 && !strncmp(path + 1, "..", size)))
			return false;
	}
	return !*path;
}

/* `path` is a file's in the folder. If every part of it is a folder, and no link, it is canonical. */
static void place_set(struct place *place, const char *folder, const char *path)
{
	if (place->folder == folder)
		return;
	free(place->canonical);
	place->folder = folder;
	place->trusted = is_plain(folder) && !consort_loader_verify_above(path, NULL);
	place->canonical = place->trusted ? strdup(folder) : realpath(folder, NULL);
}

static void place_clear(struct place *place)
{
	free(place->canonical);
	memset(place, 0, sizeof(*place));
}

static void verify_in_place(struct place *place, const char *canonical, struct consort_error *error)
{
	if (!place->trusted && consort_loader_verify_above(canonical, error))
		return;
	place->trusted = true;
	consort_loader_verify_file(canonical, error);
}

/* Fills candidate->error with what is wrong, if anything is; candidate->path is set, and canonical if the file is
 * known to lie in `place` itself. type NULL: any. */
static void examine(struct consort_candidate *candidate, const char *type, struct place *place)
{
	struct consort_note_info *note = &candidate->note;
	struct consort_error *error = &candidate->error;
	const char *path = candidate->path;
	bool in_place = candidate->canonical != NULL;

	if (!in_place)
		candidate->canonical = realpath(path, NULL);
	if (!candidate->canonical) {
		if (errno == ENOENT || errno == ENOTDIR)
			consort_error_set(error, CONSORT_ENOPLUGIN, "%s: there is no such file", path);
		else
			consort_error_set(error, CONSORT_EUNTRUSTED, "%s: cannot be reached: %s", path,
					  strerror(errno));
		return;
	}
	if (consort_note_read(candidate->canonical, note, error))
		return;
	if (type && strcmp(note->id, type) != 0)
		consort_error_set(error, CONSORT_ENOPLUGIN, "%s: is an adapter of type '%s', not '%s'", path,
				  note->id, type);
	else if (note->abi_major != CONSORT_ABI_MAJOR)
		consort_error_set(error, CONSORT_EABI, "%s: is built for ABI %u; this core supports %u", path,
				  note->abi_major, CONSORT_ABI_MAJOR);
	else if (in_place)
		verify_in_place(place, candidate->canonical, error);
	else
		consort_loader_verify(candidate->canonical, error);
}

/* --- the walk --- */

#define NAME_SIZE 64 /* more than any id needs */

/* The file's name that a type should have; "" for none: what is no valid id (it may hold a '/') has no file. */
static void name_of_type(const char *type, char out[NAME_SIZE])
{
	out[0] = '\0';
	if (type && consort_id_valid(type))
		stpcpy(stpcpy(stpcpy(out, PREFIX), type), SUFFIX);
}

struct walk {
	const struct consort_search *search;
	const char *type; /* NULL: any */
	consort_candidate_fn *fn;
	void *context;
	struct place place;
	bool ended;       /* fn has had enough */
	bool failed;      /* no memory */
};

static void deliver(struct walk *walk, struct consort_candidate *candidate)
{
	if (!walk->fn(walk->context, candidate))
		walk->ended = true;
	consort_candidate_clear(candidate);
}

/* plain: the name is known to be no symbolic link. (Should that change, verify finds no regular file.) */
static void visit_file(struct walk *walk, const char *folder, const char *name, bool plain)
{
	struct consort_candidate candidate = {.path = join(folder, name)};

	if (candidate.path)
		place_set(&walk->place, folder, candidate.path);
	if (candidate.path && plain && walk->place.canonical)
		candidate.canonical = join(walk->place.canonical, name);
	if (!candidate.path || (plain && walk->place.canonical && !candidate.canonical)) {
		consort_candidate_clear(&candidate);
		walk->failed = true;
		return;
	}
	examine(&candidate, walk->type, &walk->place);
	deliver(walk, &candidate);
}

static void visit_broken_folder(struct walk *walk, const char *folder, int reason)
{
	struct consort_candidate candidate = {.path = strdup(folder)};

	if (!candidate.path) {
		walk->failed = true;
		return;
	}
	if (reason == ENOENT)
		consort_error_set(&candidate.error, CONSORT_ENOPLUGIN, "%s: there is no such folder", folder);
	else
		consort_error_set(&candidate.error, CONSORT_ENOPLUGIN, "%s: the folder cannot be searched: %s",
				  folder, strerror(reason));
	deliver(walk, &candidate);
}

/* The file of that name in every folder that has one. */
static void visit_name(struct walk *walk, const char *name)
{
	uint32_t i;

	for (i = 0; i < walk->search->nfolders && !walk->ended && !walk->failed; i++) {
		const char *folder = walk->search->folders[i];
		char *path = join(folder, name);
		struct stat status;

		if (!path)
			walk->failed = true;
		else if (!lstat(path, &status))
			visit_file(walk, folder, name, S_ISREG(status.st_mode));
		free(path);
	}
}

static int is_adapter_name(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name);

	return size > strlen(PREFIX) + strlen(SUFFIX) && !strncmp(entry->d_name, PREFIX, strlen(PREFIX)) &&
	       !strcmp(entry->d_name + size - strlen(SUFFIX), SUFFIX);
}

/* By bytes, so that the order is the same in every locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Every adapter's file in every folder, but not those of the name that was visited already. */
static void visit_folders(struct walk *walk, const char *visited)
{
	uint32_t i;

	for (i = 0; i < walk->search->nfolders && !walk->ended && !walk->failed; i++) {
		const char *folder = walk->search->folders[i];
		struct dirent **entries = NULL;
		int n = scandir(folder, &entries, is_adapter_name, by_name), k;

		if (n < 0 && errno == ENOMEM)
			walk->failed = true;
		else if (n < 0 && walk->type)
			visit_broken_folder(walk, folder, errno);
		for (k = 0; k < n; k++) {
			if (!walk->ended && !walk->failed && strcmp(entries[k]->d_name, visited) != 0)
				visit_file(walk, folder, entries[k]->d_name, entries[k]->d_type == DT_REG);
			free(entries[k]);
		}
		free(entries);
	}
}

enum consort_status consort_search_walk(const struct consort_search *search, const char *type,
					consort_candidate_fn *fn, void *context, struct consort_error *error)
{
	struct walk walk = {.search = search, .type = type, .fn = fn, .context = context};
	char name[NAME_SIZE];

	name_of_type(type, name);
	if (name[0])
		visit_name(&walk, name);
	if (!walk.ended && !walk.failed)
		visit_folders(&walk, name);
	place_clear(&walk.place);
	return walk.failed ? consort_error_no_memory(error) : CONSORT_OK;
}

/* --- resolve --- */

/* What a search for one file has come by. */
struct finding {
	struct consort_candidate *taken;
	const char *type;         /* NULL: any */
	const char *name;         /* of the file that is looked for first */
	struct consort_buffer reasons;
	uint32_t nleft_out;       /* reasons that had no room */
	enum consort_status first; /* of the first candidate that was meant */
	struct consort_map ids;   /* of adapters of other types, for a hint; keys belong to the arena */
	struct consort_arena arena;
};

/* Room for reasons in an error's message, with the sentence in front and behind. */
#define MAX_REASONS 560u

static void note_reason(struct finding *finding, const char *reason)
{
	if (finding->reasons.size + strlen(reason) > MAX_REASONS)
		finding->nleft_out++;
	else
		consort_buffer_printf(&finding->reasons, "\n  %s", reason);
}

static void note_other_type(struct finding *finding, const char *id)
{
	const char *copy;

	if (consort_map_get(&finding->ids, id))
		return;
	copy = consort_arena_text(&finding->arena, id);
	if (!copy || !consort_map_put(&finding->ids, copy, finding))
		finding->reasons.failed = 1;
}

/* Is it, by its name or by its note, what is looked for? */
static bool is_meant(const struct finding *finding, const struct consort_candidate *candidate)
{
	const char *slash = strrchr(candidate->path, '/');

	return (finding->type && !strcmp(candidate->note.id, finding->type)) ||
	       (slash && !strcmp(slash + 1, finding->name));
}

/* Takes the first that nothing is wrong with. */
static bool consider(void *context, const struct consort_candidate *candidate)
{
	struct finding *finding = context;
	const struct consort_error *error = &candidate->error;

	if (error->status) {
		if (!finding->first && error->status != CONSORT_ENOPLUGIN && is_meant(finding, candidate))
			finding->first = error->status;
		if (candidate->note.id[0] && finding->type && strcmp(candidate->note.id, finding->type) != 0)
			note_other_type(finding, candidate->note.id);
		note_reason(finding, error->message);
		return true;
	}
	finding->taken->path = strdup(candidate->path);
	finding->taken->canonical = strdup(candidate->canonical);
	finding->taken->note = candidate->note;
	if (!finding->taken->path || !finding->taken->canonical)
		finding->reasons.failed = 1;
	return false;
}

/* "/a:/b", cut to the buffer's size; "" for no folders. */
static const char *path_text(const struct consort_search *search, char *out, size_t size)
{
	size_t used = 0;
	uint32_t i;

	out[0] = '\0';
	for (i = 0; i < search->nfolders && used < size - 2; i++) {
		if (i)
			out[used++] = ':';
		consort_copy_text(out + used, size - used, search->folders[i]);
		used += strlen(out + used);
	}
	return out;
}

/* The sentence for a search that found nothing. */
static enum consort_status explain_nothing(struct finding *finding, const struct consort_search *search,
					   const char *library, struct consort_error *error)
{
	enum consort_status status = finding->first ? finding->first : CONSORT_ENOPLUGIN;
	const char *near = library || status != CONSORT_ENOPLUGIN
				   ? NULL : consort_nearest_key(finding->type, &finding->ids);
	const char *reasons = finding->reasons.size ? finding->reasons.data : "";
	char hint[64], path[256], more[64] = "";

	if (finding->nleft_out)
		snprintf(more, sizeof(more), "\n  and %u more", finding->nleft_out);
	return consort_error_set(error, status, "no %s '%.64s' can be taken from the plugin path %s%s%s%s%s",
				 library ? "library" : "adapter of type", library ? library : finding->type,
				 path_text(search, path, sizeof(path)), consort_hint(near, hint, sizeof(hint)),
				 near || !*reasons ? "" : ":", reasons, more);
}

static enum consort_status find_on_path(const struct consort_search *search, const char *type, const char *library,
					struct consort_candidate *taken, struct consort_error *error)
{
	struct finding finding = {.taken = taken, .type = type, .reasons = CONSORT_BUFFER_INIT};
	struct walk walk = {.search = search, .type = type, .fn = consider, .context = &finding};
	enum consort_status status = CONSORT_OK;
	char name[NAME_SIZE];

	name_of_type(type, name);
	finding.name = library ? library : name;
	consort_arena_init(&finding.arena, 0);
	if (library)
		visit_name(&walk, library);
	else
		status = consort_search_walk(search, type, consider, &finding, error);
	if (!status && (walk.failed || finding.reasons.failed))
		status = consort_error_no_memory(error);
	if (!status && !taken->canonical)
		status = explain_nothing(&finding, search, library, error);
	place_clear(&walk.place);
	consort_buffer_clear(&finding.reasons);
	consort_map_clear(&finding.ids);
	consort_arena_clear(&finding.arena);
	return status;
}

/* A library by its path: there is nothing else to try. */
static enum consort_status find_file(const char *path, const char *type, struct consort_candidate *taken,
				     struct consort_error *error)
{
	taken->path = strdup(path);
	if (!taken->path)
		return consort_error_no_memory(error);
	examine(taken, type, NULL);
	if (taken->error.status && error)
		*error = taken->error;
	return taken->error.status;
}

enum consort_status consort_loader_find(const struct consort_search *search, const char *type, const char *library,
					struct consort_candidate *out_candidate, struct consort_error *error)
{
	struct consort_candidate taken = {0};
	enum consort_status status;

	if (!type && !library)
		return consort_error_set(error, CONSORT_EINVAL, "neither a type nor a library is given");
	if (library && strchr(library, '/'))
		status = find_file(library, type, &taken, error);
	else
		status = find_on_path(search, type, library, &taken, error);
	if (status)
		consort_candidate_clear(&taken);
	else
		*out_candidate = taken;
	return status;
}
