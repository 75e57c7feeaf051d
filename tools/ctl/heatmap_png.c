/* SPDX-License-Identifier: BSD-2-Clause */
/* A heat map as PNG: the fields of heatmap_svg.c, without words. */
#include "config.h"

#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/heatmap.h"

#define CELL 7
#define GAP 24
#define WIDTH (HEAT_MODES * (HEAT_ROW * CELL + GAP) + GAP)

static unsigned height_of(const struct heat_block *b)
{
	return (unsigned)((b->cells + HEAT_ROW - 1) / HEAT_ROW * CELL + GAP);
}

/* "#rrggbb" */
static void put_cell(png_byte *pixels, unsigned x, unsigned y, const char *colour)
{
	const unsigned long rgb = strtoul(colour + 1, NULL, 16);

	for (unsigned i = 0; i < (CELL - 1) * (CELL - 1); i++) {
		png_byte *at =
			pixels + 3 * ((y + i / (CELL - 1)) * (size_t)WIDTH + x + i % (CELL - 1));

		at[0] = (png_byte)(rgb >> 16);
		at[1] = (png_byte)(rgb >> 8);
		at[2] = (png_byte)rgb;
	}
}

static void put_block(const struct heat *heat, png_byte *pixels, const struct heat_block *b,
                      unsigned y, uint64_t most)
{
	const struct heat_cell *cell = &heat->view[heat->views - 1].cell[b->at];
	char colour[8];

	for (unsigned mode = 0; mode < HEAT_MODES; mode++)
		for (unsigned i = 0; i < b->cells; i++) {
			heat_colour(&cell[i], (enum heat_mode)mode, most, colour);
			put_cell(pixels, GAP + mode * (HEAT_ROW * CELL + GAP) + i % HEAT_ROW * CELL,
			         y + i / HEAT_ROW * CELL, colour);
		}
}

int heat_png(const struct heat *heat, FILE *file)
{
	png_image image = { .version = PNG_IMAGE_VERSION,
		            .width = WIDTH,
		            .height = GAP,
		            .format = PNG_FORMAT_RGB };
	const uint64_t most = heat_most(heat);
	png_byte *pixels;
	unsigned y = GAP;
	int done;

	for (size_t i = 0; i < heat->blocks; i++)
		image.height += height_of(&heat->block[i]);
	pixels = malloc(PNG_IMAGE_SIZE(image));
	if (!pixels)
		return ENOMEM;
	memset(pixels, 0xff, PNG_IMAGE_SIZE(image));
	for (size_t i = 0; i < heat->blocks; i++) {
		put_block(heat, pixels, &heat->block[i], y, most);
		y += height_of(&heat->block[i]);
	}
	done = png_image_write_to_stdio(&image, file, 0, pixels, 0, NULL);
	free(pixels);
	return done ? 0 : EIO;
}
