/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl top on a terminal, by ncurses. */
#include "config.h"

#include <curses.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "tools/ctl/ctl.h"
#include "tools/ctl/top.h"

static volatile sig_atomic_t told_to_end;

static void on_end(int number)
{
	told_to_end = 1;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void draw(const struct top *top)
{
	static struct top_text text;

	top_write(top, &text);
	erase();
	for (int i = 0; i < text.count && i < LINES - 1; i++) {
		if (text.is_head[i])
			attron(A_REVERSE);
		mvaddnstr(i, 0, text.line[i], COLS);
		if (text.is_head[i])
			attroff(A_REVERSE);
	}
	mvaddnstr(LINES - 1, 0,
	          "n nodes  p pages  w waits  s S sort by another column  space pause  q quit",
	          COLS);
	refresh();
}

static void sort_by_next(struct top *top, int step)
{
	do
		top->sort = (enum top_column)(((int)top->sort + step + TOP_COLUMNS) % TOP_COLUMNS);
	while (!top_shows(top, top->sort));
}

/* 1: that is enough. */
static int press(struct top *top, int key)
{
	switch (key) {
	case 'q': return 1;
	case 'n': top->view = TOP_NODES; break;
	case 'p': top->view = TOP_PAGES; break;
	case 'w': top->view = TOP_WAITS; break;
	case 's': sort_by_next(top, 1); break;
	case 'S': sort_by_next(top, -1); break;
	case ' ': top->paused = !top->paused; break;
	default: break; /* another size of the terminal, too, which is drawn for anew */
	}
	return 0;
}

static int look(struct top *top)
{
	double next = now_s() + top->every_s;
	int rc = 0, key;

	while (rc == 0 && !told_to_end) {
		const double left = next - now_s();
		draw(top);
		timeout(top->paused ? -1 : left > 0 ? (int)(left * 1000) : 0);
		key = getch();
		if (key != ERR && press(top, key))
			break;
		if (top->paused || now_s() < next)
			continue;
		rc = top_ask(top);
		next = now_s() + top->every_s;
	}
	return rc;
}

int top_screen(struct top *top)
{
	const struct sigaction action = { .sa_handler = on_end };
	SCREEN *screen = newterm(NULL, stdout, stdin);
	int rc;

	if (!screen)
		return -1;
	/* Without SA_RESTART: getch() returns. */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	rc = look(top);
	endwin();
	delscreen(screen);
	if (rc == 1)
		printf("the job has ended\n");
	return rc == 1 ? CTL_OK : rc;
}
