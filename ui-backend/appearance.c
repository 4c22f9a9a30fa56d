/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/appearance.h"

#include "app/catalog/catalog.h"

int appearance_json(struct api_request *r, struct json_object **object_r, struct err *err)
{
	CLEAN_STR name = STR_INIT;
	CLEAN_STR colour = STR_INIT;
	CLEAN_STR logo = STR_INIT;
	int has_logo = 0;

	if (r->archive != NULL) {
		struct catalog *catalog = archive_catalog(r->archive);

		has_logo = setting_get(catalog, APPEARANCE_LOGO_TYPE, &logo, err);
		if (setting_get(catalog, APPEARANCE_NAME, &name, err) < 0 ||
		    setting_get(catalog, APPEARANCE_COLOUR, &colour, err) < 0 || has_logo < 0)
			return -1;
	}
	*object_r = json_object_new_object();
	json_set_text(*object_r, "name", name.len > 0 ? str_view(&name) : VIEW("Sealpost"));
	json_set_text(*object_r, "colour", str_view(&colour));
	json_set_flag(*object_r, "hasLogo", has_logo > 0 && logo.len > 0);
	return 0;
}
