/* SPDX-License-Identifier: BSD-2-Clause */
/* A heat map as SVG: of each block three fields, of faults, owners and sharing; and the colours. */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "tools/ctl/heatmap.h"

#define CELL 7
#define GAP 24  /* between fields */
#define HEAD 34 /* above a block's fields */
#define TOP 40
#define NOBODY "#eeeeee"

const char *const heat_mode_name[HEAT_MODES] = { "faults", "owner", "sharing" };

/* Of nodes: twelve that are told apart, then again. */
static const char *const node_colour[] = { "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728",
	                                   "#9467bd", "#8c564b", "#e377c2", "#17becf",
	                                   "#bcbd22", "#7f7f7f", "#393b79", "#637939" };
#define NODE_COLOURS (int)(sizeof node_colour / sizeof *node_colour)

/* Of one holder, two, three, and more. */
static const char *const holder_colour[] = { NOBODY, "#c6dbef", "#6baed6", "#2171b5", "#08306b" };
#define HOLDER_COLOURS (int)(sizeof holder_colour / sizeof *holder_colour)

void heat_colour(const struct heat_cell *cell, enum heat_mode mode, uint64_t most, char out[8])
{
	const char *colour = NOBODY;
	double heat;

	if (mode == HEAT_FAULTS && cell->faults) {
		/* By orders of magnitude, from light yellow to dark red. */
		heat = most > 1 ? log((double)cell->faults) / log((double)most) : 1;
		snprintf(out, 8, "#%02x%02x%02x", (unsigned)(255 - 115 * heat * heat),
		         (unsigned)(236 * (1 - heat)), (unsigned)(150 * (1 - heat)));
		return;
	}
	if (mode == HEAT_OWNER && cell->owner >= 0)
		colour = node_colour[cell->owner % NODE_COLOURS];
	if (mode == HEAT_SHARING && cell->holders > 0)
		colour = holder_colour[cell->holders < HOLDER_COLOURS ? cell->holders
		                                                      : HOLDER_COLOURS - 1];
	memcpy(out, colour, 8);
}

uint64_t heat_most(const struct heat *heat)
{
	uint64_t most = 0;

	for (size_t v = 0; v < heat->views; v++)
		for (size_t i = 0; i < heat->cells; i++)
			if (heat->view[v].cell[i].faults > most)
				most = heat->view[v].cell[i].faults;
	return most;
}

void heat_escape(FILE *file, const char *text)
{
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'' || c < ' ')
			fprintf(file, "&#%u;", c < ' ' ? ' ' : c);
		else
			fputc(c, file);
	}
}

static unsigned rows_of(const struct heat_block *b)
{
	return (unsigned)((b->cells + HEAT_ROW - 1) / HEAT_ROW);
}

static void draw_cell(FILE *file, const struct heat_block *b, size_t i,
                      const struct heat_cell *cell, enum heat_mode mode, uint64_t most)
{
	char colour[8];

	heat_colour(cell, mode, most, colour);
	fprintf(file, "<rect x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\" fill=\"%s\"><title>",
	        i % HEAT_ROW * CELL, i / HEAT_ROW * CELL, CELL - 1, CELL - 1, colour);
	fprintf(file, "page %" PRIu64, i * b->each);
	if (b->each > 1)
		fprintf(file, " and %" PRIu64 " more", b->each - 1);
	fprintf(file, ": %" PRIu64 " faults, ", cell->faults);
	if (cell->owner >= 0)
		fprintf(file, "owner %d, ", cell->owner);
	fprintf(file, "at %d nodes</title></rect>\n", cell->holders);
}

static void draw_block(const struct heat *heat, FILE *file, const struct heat_block *b, unsigned y,
                       uint64_t most)
{
	const struct heat_view *view = &heat->view[heat->views - 1];

	fputs("<g class=\"block\" data-name=\"", file);
	heat_escape(file, b->name);
	fprintf(file, "\" transform=\"translate(10,%u)\">\n<text y=\"12\" font-weight=\"bold\">",
	        y);
	heat_escape(file, b->name);
	fprintf(file,
	        "</text>\n<text y=\"12\" x=\"300\" fill=\"#555\">%" PRIu64 " pages of %" PRIu64
	        " KiB, %" PRIu64 " to a cell</text>\n",
	        b->pages, b->page_bytes >> 10, b->each);
	for (int mode = 0; mode < HEAT_MODES; mode++) {
		const unsigned x = (unsigned)mode * (HEAT_ROW * CELL + GAP);

		fprintf(file, "<text x=\"%u\" y=\"26\" fill=\"#555\">%s</text>\n", x,
		        heat_mode_name[mode]);
		fprintf(file, "<g class=\"%s\" transform=\"translate(%u,%d)\">\n",
		        heat_mode_name[mode], x, HEAD - 4);
		for (size_t i = 0; i < b->cells; i++)
			draw_cell(file, b, i, &view->cell[b->at + i], mode, most);
		fputs("</g>\n", file);
	}
	fputs("</g>\n", file);
}

/* What the colours stand for. */
static void draw_key(const struct heat *heat, FILE *file, uint64_t most)
{
	const unsigned field = HEAT_ROW * CELL + GAP;

	fprintf(file,
	        "<text x=\"10\" y=\"30\" fill=\"#555\">faults: up to %" PRIu64
	        " a cell, dark red</text>\n",
	        most);
	for (int n = 0; n < heat->nodes && n < NODE_COLOURS; n++)
		fprintf(file, "<text x=\"%u\" y=\"30\" fill=\"%s\">node %d</text>\n",
		        10 + field + (unsigned)n * 44, node_colour[n], n);
	for (int n = 1; n < HOLDER_COLOURS; n++)
		fprintf(file, "<text x=\"%u\" y=\"30\" fill=\"%s\">at %d%s</text>\n",
		        10 + 2 * field + (unsigned)n * 44, holder_colour[n], n,
		        n == HOLDER_COLOURS - 1 ? " or more" : "");
}

int heat_svg(const struct heat *heat, FILE *file)
{
	const uint64_t most = heat_most(heat);
	unsigned y = TOP;

	for (size_t i = 0; i < heat->blocks; i++)
		y += HEAD + rows_of(&heat->block[i]) * CELL + 10;
	fprintf(file,
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
	        "font-family=\"sans-serif\" font-size=\"11\">\n"
	        "<rect class=\"paper\" width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
	        HEAT_MODES * (HEAT_ROW * CELL + GAP) + 10, y);
	fputs("<text x=\"10\" y=\"14\" font-weight=\"bold\">", file);
	heat_escape(file, heat->job);
	fprintf(file, ", %d nodes", heat->nodes);
	if (heat->seconds > 0)
		fprintf(file, ", the last %g s", heat->every);
	fputs("</text>\n", file);
	draw_key(heat, file, most);
	y = TOP;
	for (size_t i = 0; i < heat->blocks; i++) {
		draw_block(heat, file, &heat->block[i], y, most);
		y += HEAD + rows_of(&heat->block[i]) * CELL + 10;
	}
	fputs("</svg>\n", file);
	return 0;
}
