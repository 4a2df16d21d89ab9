/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose file is it? Code is only loaded from a path that nobody but root and this user can change: the file and
 * every folder above it, since whoever may write to a folder may put another file there.
 */
#include "loader/loader.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define REFUSE(file, format, ...) \
	consort_error_set(error, CONSORT_EUNTRUSTED, "%s: cannot be trusted: " format, file, ##__VA_ARGS__)

/* One part of the path of `file`, which is a folder above it or the file itself. */
static enum consort_status verify_part(const char *part, const char *file, struct consort_error *error)
{
	bool is_file = part == file;
	const char *name = is_file ? "it" : part, *noun = is_file ? "" : "the folder ";
	struct stat status;
	mode_t others;

	if (lstat(part, &status))
		return REFUSE(file, "%s%s cannot be examined: %s", noun, name, strerror(errno));
	if (is_file ? !S_ISREG(status.st_mode) : !S_ISDIR(status.st_mode))
		return REFUSE(file, "%s%s is no %s", noun, name, is_file ? "regular file" : "folder");
	if (status.st_uid && status.st_uid != geteuid())
		return REFUSE(file, "%s%s belongs to user %u, neither root nor this process's user %u; 'chown root "
			      "%s' if it is yours to trust", noun, name, status.st_uid, geteuid(), part);
	others = status.st_mode & (S_IWGRP | S_IWOTH);
	if (others && !(S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX)))
		return REFUSE(file, "%s%s is writable by %s (mode %04o); 'chmod go-w %s' puts it right", noun, name,
			      others & S_IWOTH ? "everyone" : "its group", (unsigned)status.st_mode & 07777u, part);
	return CONSORT_OK;
}

enum consort_status consort_loader_verify_above(const char *path, struct consort_error *error)
{
	enum consort_status status;
	char *folder, *slash;

	if (path[0] != '/')
		return consort_error_set(error, CONSORT_EINVAL, "%s: is no canonical path", path);
	folder = strdup(path);
	if (!folder)
		return consort_error_no_memory(error);
	status = verify_part("/", path, error);
	for (slash = folder; !status && (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		status = verify_part(folder, path, error);
		*slash = '/';
	}
	free(folder);
	return status;
}

enum consort_status consort_loader_verify_file(const char *path, struct consort_error *error)
{
	return verify_part(path, path, error);
}

enum consort_status consort_loader_verify(const char *path, struct consort_error *error)
{
	enum consort_status status = consort_loader_verify_above(path, error);

	return status ? status : consort_loader_verify_file(path, error);
}
