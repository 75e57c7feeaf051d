/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting over an MPI communicator: every rank becomes a node, of the same number. For
 * programs that use MPI anyway; libdsm itself links none.
 *
 * MPI_Init comes before. MPI may be finalized before dsm_fini: once started, the library
 * does not use it.
 */
#ifndef DSM_MPI_H
#define DSM_MPI_H

#include <dsm.h>
#include <mpi.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A dsm_allgather_fn; ctx: an MPI_Comm *. */
static inline int dsm_mpi_allgather(void *ctx, const void *mine, void *all, size_t len)
{
	return MPI_Allgather(mine, (int)len, MPI_BYTE, all, (int)len, MPI_BYTE,
	                     *(MPI_Comm *)ctx) == MPI_SUCCESS ? 0 : -1;
}

/* As dsm_init, with the ranks of comm. Collective over comm. config may be NULL. */
static inline int dsm_mpi_init(MPI_Comm comm, const struct dsm_config *config, dsm_t **out)
{
	struct dsm_config c = DSM_CONFIG_INIT;

	if (config)
		c = *config;
	c.allgather = dsm_mpi_allgather;
	c.allgather_ctx = &comm;
	if (MPI_Comm_rank(comm, &c.rank) != MPI_SUCCESS ||
	    MPI_Comm_size(comm, &c.nodes) != MPI_SUCCESS)
		return DSM_ERR_BOOT;
	return dsm_init(&c, out);
}

#ifdef __cplusplus
}
#endif
#endif
