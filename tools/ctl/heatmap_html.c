/* SPDX-License-Identifier: BSD-2-Clause */
/* A heat map as one file of HTML that needs nothing else: the colours of all cells at all times, and
 * a few lines of script that show those of one time, which a slider chooses. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "tools/ctl/heatmap.h"

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<style>\n"
	"body { font: 13px sans-serif; margin: 1em }\n"
	".cells { display: grid; grid-template-columns: repeat(64, 9px); grid-auto-rows: 9px; gap: 1px }\n"
	".cells i { display: block; background: #eeeeee }\n"
	"h2 { font-size: 14px; margin: 1em 0 .3em } small { color: #555; font-weight: normal }\n"
	"#time { width: 30em }\n"
	"</style>\n";

static const char script[] =
	"'use strict';\n"
	"const map = JSON.parse(document.getElementById('map').textContent);\n"
	"const time = document.getElementById('time'), mode = document.getElementById('mode');\n"
	"const fields = [...document.querySelectorAll('.cells')];\n"
	"map.blocks.forEach((block, b) => {\n"
	"  for (let i = 0; i < block.cells; i++)\n"
	"    fields[b].appendChild(document.createElement('i'));\n"
	"});\n"
	"function show() {\n"
	"  const view = map.views[time.value];\n"
	"  document.getElementById('at').textContent = map.views.length > 1 ? view.seconds + ' s' : '';\n"
	"  let n = 0;\n"
	"  map.blocks.forEach((block, b) => {\n"
	"    for (let i = 0; i < block.cells; i++, n++) {\n"
	"      const cell = view.cells[n], at = fields[b].children[i];\n"
	"      at.style.background = map.colours[cell[3 + Number(mode.value)]];\n"
	"      at.title = 'page ' + i * block.each + ': ' + cell[0] + ' faults, ' +\n"
	"        (cell[1] < 0 ? '' : 'owner ' + cell[1] + ', ') + 'at ' + cell[2] + ' nodes';\n"
	"    }\n"
	"  });\n"
	"}\n"
	"time.oninput = mode.onchange = show;\n"
	"show();\n";

/* The colours that there are, each once. */
#define COLOURS_MAX 4096
struct palette {
	char colour[COLOURS_MAX][8];
	int count;
};

static int colour_number(struct palette *p, const struct heat_cell *cell, enum heat_mode mode,
                         uint64_t most)
{
	char colour[8];
	int i = 0;

	heat_colour(cell, mode, most, colour);
	while (i < p->count && memcmp(p->colour[i], colour, sizeof colour) != 0)
		i++;
	if (i == COLOURS_MAX)
		return 0;
	if (i == p->count)
		memcpy(p->colour[p->count++], colour, sizeof colour);
	return i;
}

static void put_view(const struct heat *heat, const struct heat_view *view, FILE *file,
                     struct palette *p, uint64_t most)
{
	fprintf(file, "{\"seconds\":%.3g,\"cells\":[", view->seconds);
	for (size_t i = 0; i < heat->cells; i++) {
		const struct heat_cell *c = &view->cell[i];

		fprintf(file, "%s[%" PRIu64 ",%d,%d", i ? "," : "", c->faults, c->owner,
		        c->holders);
		for (int mode = 0; mode < HEAT_MODES; mode++)
			fprintf(file, ",%d", colour_number(p, c, mode, most));
		fputc(']', file);
	}
	fputs("]}", file);
}

/* Nothing in it ends the element that it is in: names are in the page's text alone. */
static void put_map(const struct heat *heat, FILE *file)
{
	static struct palette palette;
	const uint64_t most = heat_most(heat);

	fputs("<script id=\"map\" type=\"application/json\">\n{\"blocks\":[", file);
	for (size_t i = 0; i < heat->blocks; i++)
		fprintf(file, "%s{\"cells\":%zu,\"each\":%" PRIu64 "}", i ? "," : "",
		        heat->block[i].cells, heat->block[i].each);
	fputs("],\n\"views\":[", file);
	for (size_t v = 0; v < heat->views; v++) {
		fputs(v ? ",\n" : "\n", file);
		put_view(heat, &heat->view[v], file, &palette, most);
	}
	fputs("],\n\"colours\":[", file);
	for (int i = 0; i < palette.count; i++)
		fprintf(file, "%s\"%s\"", i ? "," : "", palette.colour[i]);
	fputs("]}\n</script>\n", file);
}

static void put_blocks(const struct heat *heat, FILE *file)
{
	for (size_t i = 0; i < heat->blocks; i++) {
		const struct heat_block *b = &heat->block[i];

		fputs("<h2>", file);
		heat_escape(file, b->name);
		fprintf(file,
		        " <small>%" PRIu64 " pages of %" PRIu64 " KiB, %" PRIu64 " to a cell"
		        "</small></h2>\n<div class=\"cells\" data-name=\"",
		        b->pages, b->page_bytes >> 10, b->each);
		heat_escape(file, b->name);
		fputs("\"></div>\n", file);
	}
}

int heat_html(const struct heat *heat, FILE *file)
{
	fputs(head, file);
	fputs("<title>", file);
	heat_escape(file, heat->job);
	fputs("</title></head><body>\n<h1>", file);
	heat_escape(file, heat->job);
	fprintf(file, "</h1>\n<p>%d nodes; the hottest cell has %" PRIu64 " faults%s.\n<p>",
	        heat->nodes, heat_most(heat), heat->seconds > 0 ? " in a step of time" : "");
	fputs("<select id=\"mode\">", file);
	for (int mode = 0; mode < HEAT_MODES; mode++)
		fprintf(file, "<option value=\"%d\">%s</option>", mode, heat_mode_name[mode]);
	fprintf(file,
	        "</select>\n<input id=\"time\" type=\"range\" min=\"0\" max=\"%zu\" value=\"%zu\"%s>"
	        " <span id=\"at\"></span>\n",
	        heat->views - 1, heat->views - 1, heat->views > 1 ? "" : " hidden");
	put_blocks(heat, file);
	put_map(heat, file);
	fputs("<script>\n", file);
	fputs(script, file);
	fputs("</script>\n</body></html>\n", file);
	return 0;
}
