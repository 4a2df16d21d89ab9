/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what an adapter's file says of itself, without running it: the ELF note that CONSORT_PLUGIN_EXPORT
 * makes. The file may be hostile: nothing is mapped, every offset is checked against the file's size, counts
 * and sizes are bounded. A segment that reaches beyond the file is told here too, since the dynamic linker
 * would die of it.
 */
#include "loader/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SEGMENTS 128u
#define MAX_NOTES_SIZE (64u << 10) /* of one segment of notes */

/* This library's own ELF header, as mapped: the linker defines it. What loads here looks like it. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((__visibility__("hidden")));

/* An open file with its first bytes, which mostly hold all that is looked for. */
struct image {
	const char *path;
	struct consort_error *error; /* where refusals go */
	int fd;
	uint64_t size;
	size_t nstart;
	unsigned char start[1024];
};

/* Fills the error with a sentence about the file; its value is the status. */
#define REFUSE(image, format, ...) \
	consort_error_set((image)->error, CONSORT_EUNTRUSTED, "%s: " format, (image)->path, ##__VA_ARGS__)

bool consort_id_valid(const char *id)
{
	size_t size = strlen(id);

	return size < sizeof(((struct consort_note *)NULL)->id) && *id >= 'a' && *id <= 'z' &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_-") == size;
}

bool consort_version_valid(const char *version)
{
	size_t i;

	for (i = 0; version[i]; i++)
		if (version[i] <= ' ' || version[i] > '~')
			return false;
	return i > 0 && i < sizeof(((struct consort_note *)NULL)->version);
}

static bool is_in(const struct image *image, uint64_t offset, uint64_t size)
{
	return offset <= image->size && size <= image->size - offset;
}

/* False if it is not all there. */
static bool read_at(const struct image *image, uint64_t offset, void *out, size_t size)
{
	char *to = out;

	if (!is_in(image, offset, size))
		return false;
	if (offset <= image->nstart && size <= image->nstart - offset) {
		memcpy(out, image->start + offset, size);
		return true;
	}
	while (size) {
		ssize_t n = pread(image->fd, to, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		to += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return true;
}

static enum consort_status image_open(struct image *image)
{
	struct stat status;
	ssize_t n;

	image->fd = open(image->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a fifo must not hang us */
	if (image->fd < 0 || fstat(image->fd, &status))
		return REFUSE(image, "cannot be opened: %s", strerror(errno));
	if (S_ISDIR(status.st_mode))
		return REFUSE(image, "is a folder, not a shared object");
	if (!S_ISREG(status.st_mode))
		return REFUSE(image, "is no regular file, and so no shared object");
	image->size = (uint64_t)status.st_size;
	do
		n = pread(image->fd, image->start, sizeof(image->start), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return REFUSE(image, "cannot be read: %s", strerror(errno));
	image->nstart = (size_t)n;
	return CONSORT_OK;
}

static enum consort_status check_header(const struct image *image, ElfW(Ehdr) *out_header)
{
	const ElfW(Ehdr) *own = &__ehdr_start;
	ElfW(Ehdr) header;

	if (image->nstart < SELFMAG || memcmp(image->start, ELFMAG, SELFMAG) != 0)
		return REFUSE(image, "is no shared object: it is not an ELF file");
	if (!read_at(image, 0, &header, sizeof(header)))
		return REFUSE(image, "is truncated: %llu bytes hold no ELF header", (unsigned long long)image->size);
	if (header.e_ident[EI_CLASS] != own->e_ident[EI_CLASS] || header.e_machine != own->e_machine ||
	    header.e_ident[EI_DATA] != own->e_ident[EI_DATA])
		return REFUSE(image, "is built for another machine (ELF class %u, data %u, machine %u; this one is "
			      "%u, %u, %u)", header.e_ident[EI_CLASS], header.e_ident[EI_DATA], header.e_machine,
			      own->e_ident[EI_CLASS], own->e_ident[EI_DATA], own->e_machine);
	if (header.e_type != ET_DYN)
		return REFUSE(image, "is an ELF file, but no shared object (type %u)", header.e_type);
	if (header.e_phentsize != sizeof(ElfW(Phdr)) || !header.e_phnum || header.e_phnum > MAX_SEGMENTS)
		return REFUSE(image, "is broken: %u program headers of %u bytes (1 to %u of %zu expected)",
			      header.e_phnum, header.e_phentsize, MAX_SEGMENTS, sizeof(ElfW(Phdr)));
	*out_header = header;
	return CONSORT_OK;
}

/* Is it a text with nothing but NULs behind it? */
static bool is_padded_text(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);

	while (end && end < text + size && !*end)
		end++;
	return end == text + size;
}

/* The note's descriptor, checked as far as it can be without the adapter's. */
static enum consort_status take_note(const struct image *image, const unsigned char *data, size_t size,
				     struct consort_note_info *out_note)
{
	struct consort_note_info info = {0};
	struct consort_note note;

	if (size != sizeof(note))
		return REFUSE(image, "its Consort note has %zu bytes, not %zu", size, sizeof(note));
	memcpy(&note, data, sizeof(note));
	if (!is_padded_text(note.id, sizeof(note.id)) || !consort_id_valid(note.id))
		return REFUSE(image, "the id in its Consort note is not of the form [a-z][a-z0-9_-]*");
	if (!is_padded_text(note.version, sizeof(note.version)) || !consort_version_valid(note.version))
		return REFUSE(image, "the version in its Consort note is not 1 to 15 printable characters");
	info.abi_major = note.abi_major;
	info.abi_minor = note.abi_minor;
	memcpy(info.features.word, note.features, sizeof(note.features));
	consort_copy_text(info.id, sizeof(info.id), note.id);
	consort_copy_text(info.version, sizeof(info.version), note.version);
	*out_note = info;
	return CONSORT_OK;
}

/* Looks for the note in a segment of notes. *out_found tells whether it was there. */
static enum consort_status scan_notes(const struct image *image, const unsigned char *data, uint64_t size,
				      uint64_t align, bool *out_found, struct consort_note_info *out_note)
{
	static const char name[] = CONSORT_NOTE_NAME;
	uint64_t at = 0;

	while (at <= size && size - at >= sizeof(ElfW(Nhdr))) {
		uint64_t descriptor, end;
		ElfW(Nhdr) header;

		memcpy(&header, data + at, sizeof(header));
		at += sizeof(header);
		descriptor = (at + header.n_namesz + align - 1) & ~(align - 1);
		end = descriptor + header.n_descsz;
		if (end > size)
			return REFUSE(image, "is broken: a note reaches beyond its segment");
		if (header.n_type == CONSORT_NOTE_TYPE && header.n_namesz == sizeof(name) &&
		    !memcmp(data + at, name, sizeof(name))) {
			*out_found = true;
			return take_note(image, data + descriptor, header.n_descsz, out_note);
		}
		at = (end + align - 1) & ~(align - 1);
	}
	return CONSORT_OK;
}

static enum consort_status read_notes(const struct image *image, const ElfW(Phdr) *segment, bool *out_found,
				      struct consort_note_info *out_note)
{
	enum consort_status status;
	unsigned char *data;

	if (segment->p_filesz > MAX_NOTES_SIZE)
		return REFUSE(image, "is broken: a segment of notes has %llu bytes, more than %u",
			      (unsigned long long)segment->p_filesz, MAX_NOTES_SIZE);
	data = malloc(segment->p_filesz + 1);
	if (!data)
		return consort_error_no_memory(image->error);
	if (read_at(image, segment->p_offset, data, segment->p_filesz))
		status = scan_notes(image, data, segment->p_filesz, segment->p_align == 8 ? 8 : 4, out_found,
				    out_note);
	else
		status = REFUSE(image, "its notes cannot be read");
	free(data);
	return status;
}

static enum consort_status read_image(const struct image *image, struct consort_note_info *out_note)
{
	const unsigned long long size = image->size;
	ElfW(Ehdr) header = {0};
	ElfW(Phdr) segment;
	enum consort_status status = check_header(image, &header);
	bool found = false;
	uint32_t i;

	for (i = 0; i < header.e_phnum && !status; i++) {
		if (!read_at(image, header.e_phoff + i * sizeof(segment), &segment, sizeof(segment)))
			return REFUSE(image, "is truncated: its program headers lie beyond its end at byte %llu",
				      size);
		if (!is_in(image, segment.p_offset, segment.p_filesz))
			return REFUSE(image, "is truncated: segment %u (type 0x%x) lies beyond its end at byte %llu",
				      i, segment.p_type, size);
		if (segment.p_type == PT_NOTE && !found)
			status = read_notes(image, &segment, &found, out_note);
	}
	if (!status && !found)
		return REFUSE(image, "is no adapter: it has no Consort note (CONSORT_PLUGIN_EXPORT makes it)");
	return status;
}

enum consort_status consort_note_read(const char *path, struct consort_note_info *out_note,
				      struct consort_error *error)
{
	enum consort_status status;
	struct image image;

	image.path = path;
	image.error = error;
	status = image_open(&image);
	if (!status)
		status = read_image(&image, out_note);
	if (image.fd >= 0)
		close(image.fd);
	return status;
}
