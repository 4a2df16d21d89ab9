/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process's allocator, in place of libc's: what is allocated is counted, and an allocation can be made to
 * fail. It stands in the program, so that the adapter and its client library find it too when they are
 * loaded. Beneath it are glibc's own functions, under the names that stay when the usual ones are taken.
 */
#include "conform.h"

#include <errno.h>
#include <link.h>
#include <malloc.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static _Thread_local long fail_at; /* how many allocations from now; 0: none */
static _Thread_local bool failed;
static _Thread_local long asked;
static _Thread_local unsigned held;
static _Thread_local uint64_t calls;
static uintptr_t only_start, only_end; /* code whose allocations can fail; 0: any */

#ifdef SANITIZED

static int64_t blocks, bytes, peak;

bool conform_memory_works(void)
{
	return false;
}

#else

static int64_t blocks, bytes, peak; /* atomic */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

bool conform_memory_works(void)
{
	return true;
}

/* `caller`: where the allocation was asked for */
static bool refuses(const void *caller)
{
	const uintptr_t from = (uintptr_t)caller;

	if (held)
		return false;
	calls++;
	if (only_end && (from < only_start || from >= only_end))
		return false;
	if (++asked != fail_at)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

static void count(int64_t size)
{
	int64_t now = __atomic_add_fetch(&bytes, size, __ATOMIC_RELAXED);
	int64_t most = __atomic_load_n(&peak, __ATOMIC_RELAXED);

	while (now > most &&
	       !__atomic_compare_exchange_n(&peak, &most, now, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static void *counted(void *memory)
{
	if (memory) {
		__atomic_add_fetch(&blocks, 1, __ATOMIC_RELAXED);
		count((int64_t)malloc_usable_size(memory));
	}
	return memory;
}

CONSORT_EXPORT void *malloc(size_t size)
{
	return refuses(__builtin_return_address(0)) ? NULL : counted(__libc_malloc(size));
}

CONSORT_EXPORT void *calloc(size_t count, size_t size)
{
	return refuses(__builtin_return_address(0)) ? NULL : counted(__libc_calloc(count, size));
}

CONSORT_EXPORT void *realloc(void *memory, size_t size)
{
	int64_t old = memory ? (int64_t)malloc_usable_size(memory) : 0;
	void *grown;

	if (!memory)
		return refuses(__builtin_return_address(0)) ? NULL : counted(__libc_malloc(size));
	if (refuses(__builtin_return_address(0)))
		return NULL;
	grown = __libc_realloc(memory, size);
	if (grown)
		count((int64_t)malloc_usable_size(grown) - old);
	return grown;
}

CONSORT_EXPORT void *memalign(size_t alignment, size_t size)
{
	return refuses(__builtin_return_address(0)) ? NULL : counted(__libc_memalign(alignment, size));
}

CONSORT_EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

CONSORT_EXPORT int posix_memalign(void **out_memory, size_t alignment, size_t size)
{
	void *memory = memalign(alignment, size);

	if (!memory)
		return ENOMEM;
	*out_memory = memory;
	return 0;
}

CONSORT_EXPORT void free(void *memory)
{
	if (!memory)
		return;
	if (!held)
		calls++;
	__atomic_sub_fetch(&blocks, 1, __ATOMIC_RELAXED);
	count(-(int64_t)malloc_usable_size(memory));
	__libc_free(memory);
}

#endif

static int find_code(struct dl_phdr_info *file, size_t size, void *context)
{
	const uintptr_t wanted = *(const uintptr_t *)context;
	uintptr_t start = UINTPTR_MAX, end = 0;
	int i;

	(void)size;
	for (i = 0; i < file->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &file->dlpi_phdr[i];
		const uintptr_t at = file->dlpi_addr + part->p_vaddr;

		if (part->p_type != PT_LOAD)
			continue;
		start = at < start ? at : start;
		end = at + part->p_memsz > end ? at + part->p_memsz : end;
	}
	if (wanted < start || wanted >= end)
		return 0;
	only_start = start;
	only_end = end;
	return 1;
}

void conform_memory_only(const void *address)
{
	uintptr_t wanted = (uintptr_t)address;

	dl_iterate_phdr(find_code, &wanted);
}

long conform_memory_fail(long n)
{
	long before = asked;

	asked = 0;
	fail_at = n;
	failed = false;
	return before;
}

bool conform_memory_failed(void)
{
	return failed;
}

void conform_memory_hold(void)
{
	held++;
}

void conform_memory_release(void)
{
	held--;
}

int64_t conform_memory_blocks(void)
{
	return __atomic_load_n(&blocks, __ATOMIC_RELAXED);
}

int64_t conform_memory_bytes(void)
{
	return __atomic_load_n(&bytes, __ATOMIC_RELAXED);
}

int64_t conform_memory_peak(bool restart)
{
	if (restart)
		__atomic_store_n(&peak, conform_memory_bytes(), __ATOMIC_RELAXED);
	return __atomic_load_n(&peak, __ATOMIC_RELAXED);
}

uint64_t conform_memory_calls(void)
{
	return calls;
}
