# SPDX-License-Identifier: GPL-3.0-or-later
# One Makefile for everything; `make help` names the targets. What is built lies in build/, one
# folder for each way of building: opt, san (address, undefined), tsan (thread), fuzz.

# A folder listed here is searched for sources; every .c but a main.c goes into libsealpost.a.
FLOORS := base storage app tsa backup scheduler ui-backend
# Daemons: sealpost-NAME is made of the main.c in a folder NAME, wherever that is.
MAINS := $(filter-out app/cmd/main.c,$(wildcard */main.c storage/*/main.c app/*/main.c app/*/*/main.c tsa/*/main.c ui-backend/*/main.c))
DAEMONS := $(notdir $(patsubst %/main.c,%,$(MAINS)))
main_of = $(basename $(filter %/$(1)/main.c $(1)/main.c,$(MAINS)))
PACKAGES := sqlcipher gmime-3.0 libzstd json-c libcrypto libssl libcurl libcrypt libqrencode liboath libxml-2.0 zlib minizip libmicrohttpd
# What has no pkg-config file; and what one program alone is linked with.
LIBS := -lmilter
LIBS_smb := -lsmbclient
LIBS_login := -lldap -llber -lpam

# The one place that has the version is the packages' changelog.
VERSION := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' package/debian/changelog)

DESTDIR ?=
PREFIX ?= /usr
UNITDIR ?= $(PREFIX)/lib/systemd/system
FUZZ_SECONDS ?= 60
T ?=

ifeq ($(origin CC),default)
CC := gcc
endif
CSTD := -std=gnu17 -D_GNU_SOURCE -DSQLITE_HAS_CODEC
WARN := -Wall -Wextra -Wconversion -Werror
HARD := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
UBSAN := -fsanitize=undefined -fno-sanitize-recover=undefined

CC_opt := $(CC)
CC_san := $(CC)
CC_tsan := $(CC)
CC_fuzz := clang
CFLAGS_opt := -O2 $(HARD) $(CPPFLAGS) $(CFLAGS)
CFLAGS_san := -O1 -fno-omit-frame-pointer -fsanitize=address $(UBSAN)
CFLAGS_tsan := -O1 -fno-omit-frame-pointer -fsanitize=thread
CFLAGS_fuzz := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address $(UBSAN)
LDFLAGS_opt := -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)
LDFLAGS_fuzz := -fsanitize=fuzzer

# Make's own -j sees to the parallel work; what runs for long shows its output as it comes.
LIVE := run test bench fuzz fresh package
MAKEFLAGS += -j$(shell nproc) $(if $(filter $(LIVE),$(MAKECMDGOALS)),,--output-sync)
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

sources = $(sort $(shell find $(wildcard $(1)) -name web -prune -o -name '*.[ch]' -print))
ALL_SRC := $(call sources,$(FLOORS) tests)
SRC := $(filter-out %/main.c tests/%,$(filter %.c,$(ALL_SRC)))
SQL := $(sort $(wildcard app/*/schema/*.sql))
UNIT := $(basename $(wildcard tests/unit/test_*.c))
UNIT_SHARED := $(filter-out tests/unit/test_%,$(filter tests/unit/%.c,$(ALL_SRC)))
FUZZ := $(basename $(wildcard tests/fuzz/fuzz_*.c))
BENCH := $(basename $(wildcard tests/bench/*.c))
POOL := $(filter tests/unit/test_import_pool,$(UNIT))

.PHONY: build
build: build/sealpost $(DAEMONS:%=build/sealpost-%) ## build build/sealpost and its daemons (this is what plain `make` does)

# --- packages: compiler flags, and a sentence for each one that is missing --------------------

# What a goal needs besides the build's own packages; these goals install what is missing.
DEPS_run := --build --web
DEPS_test := --tests --web
DEPS_bench := --tests --bench
DEPS_fuzz := --fuzz
DEPS_lint := --lint
DEPS_package := --package --web
DEPS_appliance := --package --web --appliance
GOALS := $(or $(MAKECMDGOALS),build)
DEPS := $(sort $(foreach goal,$(GOALS),$(DEPS_$(goal))))

.PHONY: FORCE
ifneq ($(filter-out help clean format layers fresh web,$(GOALS)),)
include build/packages.mk
endif
build/packages.mk: FORCE
	@mkdir -p $(@D)
	@$(if $(DEPS),package/deps $(DEPS))
	@package/flags $(PACKAGES) >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# --- compiling --------------------------------------------------------------------------------

# Each schema/NNN.sql becomes `const char schema_FOLDER_NNN[]`, its text with a NUL behind.
build/sql/%.c: %.sql Makefile
	@mkdir -p $(@D)
	@name=schema_$(notdir $(patsubst %/schema/,%,$(dir $*)))_$(notdir $*); \
	{ echo "extern const char $$name[];"; echo "const char $$name[] ="; \
	  sed -e 's/[\\"]/\\&/g' -e 's/.*/\t"&\\n"/' $<; echo '	"";'; } >$@

build/version.c: package/debian/changelog
	@mkdir -p $(@D)
	@printf 'extern const char sealpost_version[];\nconst char sealpost_version[] = "%s";\n' '$(VERSION)' >$@

# $(call VARIANT,opt): objects, the library, and programs in build/opt/.
define VARIANT
FLAGS_$(1) := $(CSTD) $(WARN) -g -fPIE -I. $(CFLAGS_$(1))
LIB_$(1) := build/$(1)/libsealpost.a
OBJ_$(1) := $(SRC:%.c=build/$(1)/%.o) $(SQL:%.sql=build/$(1)/build/sql/%.o) build/$(1)/build/version.o

# Another compiler or other flags build everything anew.
build/$(1)/flags: FORCE
	@mkdir -p $$(@D)
	@echo '$$(CC_$(1)) $$(FLAGS_$(1)) $$(PKG_CFLAGS)' | cmp -s - $$@ || \
	 echo '$$(CC_$(1)) $$(FLAGS_$(1)) $$(PKG_CFLAGS)' >$$@

build/$(1)/%.o: %.c build/$(1)/flags
	@mkdir -p $$(@D)
	@echo "  CC $(1) $$<"
	@$$(CC_$(1)) $$(FLAGS_$(1)) $$(PKG_CFLAGS) -MMD -MP -c -o $$@ $$<

$$(LIB_$(1)): $$(OBJ_$(1))
	@echo "  AR $$@"
	@rm -f $$@
	@$$(AR) qcs $$@ $$^

link_$(1) = $$(CC_$(1)) $$(CFLAGS_$(1)) -pie -pthread $$(LDFLAGS_$(1)) -o $$@ \
	$$(filter %.o,$$^) $$(LIB_$(1)) $$(PKG_LIBS) $$(LIBS)

build/$(1)/sealpost: build/$(1)/app/cmd/main.o $$(LIB_$(1))
	@echo "  LD $$@"
	@$$(link_$(1))

$$(foreach name,$$(DAEMONS),build/$(1)/sealpost-$$(name)): build/$(1)/sealpost-%: $$(LIB_$(1))
	@echo "  LD $$@"
	@$$(link_$(1)) $$(LIBS_$$*)
$$(foreach name,$$(DAEMONS),$$(eval build/$(1)/sealpost-$$(name): build/$(1)/$$(call main_of,$$(name)).o))

build/$(1)/tests/unit/%: build/$(1)/tests/unit/%.o $(UNIT_SHARED:%.c=build/$(1)/%.o) $$(LIB_$(1))
	@echo "  LD $$@"
	@$$(link_$(1)) -lcmocka

build/$(1)/tests/%: build/$(1)/tests/%.o $$(LIB_$(1))
	@echo "  LD $$@"
	@$$(link_$(1))

-include $$(shell find build/$(1) -name '*.d' 2>/dev/null)
endef
$(foreach v,opt san tsan fuzz,$(eval $(call VARIANT,$(v))))

# What a unit test starts.
build/san/tests/unit/test_authority: | build/san/sealpost-tsa
build/san/tests/unit/test_source: | build/san/sealpost-login

build/sealpost: build/opt/sealpost
	@ln -f $< $@

build/sealpost-%: build/opt/sealpost-%
	@ln -f $< $@

# --- running and testing ----------------------------------------------------------------------

.PHONY: run test bench fuzz appliance
run: build web ## build, and serve a demo archive in build/demo
	@tests/system/demo.sh

# T=test_pack is one program, T=tests/system/test_x.py one file.
ifeq ($(T),)
TESTS := $(UNIT:%=build/san/%) $(wildcard tests/system tests/fault) $(POOL:%=build/tsan/%)
else
TESTS := $(if $(filter tests/%,$(T)),$(T),$(T:%=build/san/tests/unit/%))
endif
PROGRAMS := $(if $(filter tests/%,$(TESTS)),man build/fault/preload.so build/sealpost build/san/sealpost \
	$(DAEMONS:%=build/sealpost-%) $(DAEMONS:%=build/san/sealpost-%) \
	$(patsubst %.c,build/opt/%,$(wildcard tests/system/*.c)) $(if $(filter tests/system tests/system/test_browser.py,$(TESTS)),web))
test: $(filter build/%,$(TESTS)) $(PROGRAMS) ## run all tests, or T=test_pack, or T=tests/system/test_x.py
	@SEALPOST_BIN=$(CURDIR)/build/san/sealpost SEALPOST_BIN_FAST=$(CURDIR)/build/sealpost \
	 tests/run $(TESTS)

# Stands in front of libc in fault tests; without sanitizers, which want to be loaded first.
build/fault/preload.so: tests/fault/preload.c Makefile
	@mkdir -p $(@D)
	@echo "  CC fault $<"
	@$(CC_opt) $(CSTD) $(WARN) -O2 -shared -fPIC -o $@ $<

bench: build/sealpost $(DAEMONS:%=build/sealpost-%) $(BENCH:%=build/opt/%) ## measure, with real mail and next to other programs
	@SEALPOST_BIN=$(CURDIR)/build/sealpost tests/bench/run

fuzz: $(FUZZ:%=build/fuzz/%) ## fuzz each parser for FUZZ_SECONDS=30
	@tests/fuzz/run $(FUZZ_SECONDS) $(if $(T),$(T:%=build/fuzz/tests/fuzz/%),$^)

appliance: web ## install, upgrade and remove the app on a Debian 12 and a Debian 13 (needs root)
	@tests/appliance/build
	@tests/run tests/appliance

# --- the page ---------------------------------------------------------------------------------

# Nothing of the C is built from it or tested with it, so neither wants node.
WEB_SRC := $(shell find ui-backend/web -name node_modules -prune -o -name '*.gen.ts' -o -type f -print) ui-backend/openapi.yaml
.PHONY: web
web: build/web/index.html ## build the page into build/web (brings its own node, if the system's is too old)
build/web/index.html: $(WEB_SRC) package/web
	@echo "  WEB"
	@package/web
	@touch $@

# --- manual pages -----------------------------------------------------------------------------

.PHONY: man
man: build/man/sealpost.1 ## make the manual pages in build/man, from what the programs tell and docs/man
build/man/sealpost.1: package/man package/debian/changelog $(wildcard docs/man/*) build/sealpost $(DAEMONS:%=build/sealpost-%)
	@echo "  MAN"
	@package/man build build/man

# --- looking at the source --------------------------------------------------------------------

# One stamp a file: what has not changed is not looked at again. Programs, not tests, get the slow
# reading by clang-tidy.
LINT := $(ALL_SRC:%=build/lint/%.ok)
SCRIPTS := $(sort $(wildcard package/deps package/appctl package/sign-licence package/appliance/* package/debian/sealpost.p* package/flags package/fresh package/plain package/web tests/system/demo.sh tests/fuzz/run .ci/run))
.PHONY: lint format layers fresh
lint: $(LINT) build/lint/scripts.ok ## clang-format, clang-tidy, cppcheck, shellcheck, licence lines
	@echo "lint: $(words $(LINT)) files, nothing found"

build/lint/%.ok: % .clang-format .clang-tidy package/lint
	@mkdir -p $(@D)
	@echo "  LINT $<"
	@package/lint $< $(CSTD) -Wall -Wextra -I. $(PKG_CFLAGS) -MMD -MP -MT $@ -MF build/lint/$<.d
	@touch $@
-include $(shell find build/lint -name '*.d' 2>/dev/null)

build/lint/scripts.ok: $(SCRIPTS) Makefile
	@mkdir -p $(@D)
	@if command -v shellcheck >/dev/null; then shellcheck $(SCRIPTS); fi
	@touch $@

format: ## let clang-format lay out every source
	@clang-format -i $(ALL_SRC)

layers: ## hold every #include against the arrows in LAYERS
	@package/layers

fresh: ## `make run` and `make test` in a Debian with nothing but git and make (needs root)
	@package/fresh

# --- the rest ---------------------------------------------------------------------------------

# One list, for `make install` and for the packages. What lies in these folders of package/ goes along as it is.
SHARED := proxy/nginx proxy/apache proxy/haproxy postfix postfix/filter appliance
UNITS := $(wildcard $(addprefix package/systemd/*.,service socket path timer target slice))
# $(call put,MODE,FOLDER,FILES) and $(call put_as,MODE,FILE,SOURCE), where there is something to put.
put = $(if $(strip $(3)),install -d $(DESTDIR)$(2) && install -m $(1) $(3) $(DESTDIR)$(2),:)
put_as = $(if $(3),install -D -m $(1) $(3) $(DESTDIR)$(2),:)
# The files of a folder that are programs ("") or are not ("!").
files = $(shell find $(wildcard package/$(1)) -maxdepth 1 -type f $(2) -executable)

.PHONY: install install-doc clean help
install: build web man ## install below DESTDIR= and PREFIX=/usr
	$(call put,0755,$(PREFIX)/bin,build/sealpost build/sealpost-verify)
	$(call put,0755,$(PREFIX)/lib/sealpost,$(patsubst %,build/sealpost-%,$(filter-out verify,$(DAEMONS))))
	cd build/web && find . -type f -exec install -D -m 0644 {} $(abspath $(DESTDIR)$(PREFIX))/share/sealpost/web/{} \;
	$(foreach d,$(SHARED),$(if $(wildcard package/$(d)), \
	  $(call put,0644,$(PREFIX)/share/sealpost/$(d),$(call files,$(d),!)) && \
	  $(call put,0755,$(PREFIX)/share/sealpost/$(d),$(call files,$(d))) &&)) :
	$(call put,0644,$(PREFIX)/share/sealpost,package/app.json)
	$(call put,0644,$(UNITDIR),$(UNITS))
	$(call put_as,0644,$(PREFIX)/lib/sysusers.d/sealpost.conf,$(wildcard package/systemd/sealpost.sysusers))
	$(call put_as,0644,$(PREFIX)/lib/tmpfiles.d/sealpost.conf,$(wildcard package/systemd/sealpost.tmpfiles))
	$(call put,0644,/etc/pam.d,$(wildcard package/pam/*))
	$(foreach n,1 8,$(call put,0644,$(PREFIX)/share/man/man$(n),build/man/*.$(n)) &&) :
	install -d $(DESTDIR)$(PREFIX)/share/man/man5
	for page in build/man/*.5; do sed '/^\.TH/s/ "\?5"\? / 5sealpost /' $$page \
	  >$(DESTDIR)$(PREFIX)/share/man/man5/$${page##*/}sealpost || exit 1; done # other programs have an smtpd.conf(5), too

.PHONY: package
package: web ## Debian packages and the app bundle, in build/package; SEALPOST_SIGN_KEY=FILE signs it
	@package/bundle

install-doc: ## install the guides
	$(call put,0644,$(PREFIX)/share/doc/sealpost,README.md $(wildcard docs/*.md))

clean: ## remove build/
	rm -rf build

help: ## name the targets
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18
