/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registered memory, and the landings that let peers write to it.
 */
#include <endian.h>
#include <errno.h>
#include <rdma/fi_errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <utlist.h>

#include "transport/ofi_impl.h"

#define OFI_KEY_TRIES 16 /* where keys are short one may be in use */

int ofi_pins_memory(const struct tr *tr)
{
	return ofi_of(tr)->mr_allocated;
}

int ofi_pin_errno(const struct ofi *ofi, int rc)
{
	struct rlimit limit;

	if (rc == -ENOMEM && ofi->mr_allocated && !getrlimit(RLIMIT_MEMLOCK, &limit) &&
	    limit.rlim_cur != RLIM_INFINITY)
		return -EAGAIN;
	return rc;
}

/* Over TCP whoever knows a key may write there, and anybody can connect: so it is a number that
 * nobody guesses, but where the provider has keys of its own, as devices do. */
static int ofi_mr_key(const struct ofi *ofi, uint64_t *key)
{
	const struct fi_domain_attr *domain = ofi->info->domain_attr;

	*key = 0;
	if (domain->mr_mode & FI_MR_PROV_KEY)
		return 0;
	if (getrandom(key, sizeof(*key), 0) != sizeof(*key))
		return -EIO;
	if (domain->mr_key_size < sizeof(*key))
		*key &= (UINT64_C(1) << 8 * domain->mr_key_size) - 1;
	return 0;
}

int ofi_mr_make(struct ofi *ofi, const void *base, size_t len, uint64_t access, struct fid_mr **out)
{
	int rc = -FI_ENOKEY;
	uint64_t key;

	for (int i = 0; i < OFI_KEY_TRIES && rc == -FI_ENOKEY; i++) {
		rc = ofi_mr_key(ofi, &key);
		if (!rc)
			rc = fi_mr_reg(ofi->domain, base, len, access, 0, key, 0, out, NULL);
	}
	return rc;
}

int ofi_mem_register(struct tr *tr, void *base, size_t len, struct tr_mem **out)
{
	struct ofi *ofi = ofi_of(tr);
	struct tr_mem *mem = calloc(1, sizeof(*mem));
	int rc;

	if (!mem)
		return -ENOMEM;
	rc = ofi_mr_make(ofi, base, len, FI_WRITE | FI_REMOTE_WRITE, &mem->mr);
	if (rc) {
		ofi_log(ofi, 0, "%s: registering %zu bytes failed: %s", ofi->provider, len,
		        fi_strerror(-rc));
		free(mem);
		return ofi_pin_errno(ofi, ofi_errno(rc));
	}
	mem->ofi = ofi;
	mem->base = base;
	mem->len = len;
	mem->desc = fi_mr_desc(mem->mr);
	mem->key = fi_mr_key(mem->mr);
	LL_PREPEND(ofi->mem, mem);
	*out = mem;
	return 0;
}

void ofi_mem_release(struct tr_mem *mem)
{
	if (!mem)
		return;
	LL_DELETE(mem->ofi->mem, mem);
	fi_close(&mem->mr->fid);
	free(mem);
}

void ofi_mem_landing(const struct tr_mem *mem, const void *ptr, uint8_t out[TR_LANDING_SIZE])
{
	uint64_t address = (uint64_t)(uintptr_t)ptr;
	uint64_t word[2];

	if (!mem->ofi->virt_addr)
		address -= (uint64_t)(uintptr_t)mem->base;
	word[0] = htole64(address);
	word[1] = htole64(mem->key);
	memcpy(out, word, sizeof(word));
}
