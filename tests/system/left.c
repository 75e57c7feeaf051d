/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes that leave files behind: each says its process's number, and waits for its standard input
 * to end. With an argument it becomes that program then, else it leaves.
 */
#include <stdio.h>
#include <unistd.h>

#include "tests/system/node.h"

int main(int argc, char **argv)
{
	char byte;

	node_join("left", 60);
	node_barrier();
	printf("process %d\n", (int)getpid());
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	if (argc > 1) {
		execvp(argv[1], argv + 1);
		node_fail("%s does not run", argv[1]);
	}
	node_leave();
	return 0;
}
