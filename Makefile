# Millrace. One Makefile, not recursive; what each target does: `make help`.
#
#   make MODE=release      dev (default), release, asan, tsan, fuzz, cov: each under build/MODE
#   make V=1               show the commands
#   make CC=clang          warnings are errors with gcc and with clang

MODE ?= dev
B := build/$(MODE)
BIN := $(B)/bin

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.SECONDARY:
Q := $(if $(V),,@)

# -- compiler ----------------------------------------------------------------------------------
ifeq ($(origin CC),default)
CC := gcc
endif
PKGS := libevent_core libunbound sqlite3 libpq libsodium libcrypto libssl libzstd libpsl libconfuse libseccomp
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
# Without them `make deps` must still run; nothing compiles, though.
PKG_FAILED := $(filter-out 0,$(.SHELLSTATUS))
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lunistring -lmilter -lpthread -lm

WARN := -Wall -Wextra -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wpointer-arith -Wwrite-strings -Wformat=2 -Wundef \
	-Wimplicit-fallthrough
CFLAGS_dev := -O1 -g -fno-omit-frame-pointer
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
CFLAGS_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
LDFLAGS_asan := -fsanitize=address,undefined
CFLAGS_tsan := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
LDFLAGS_tsan := -fsanitize=thread
CFLAGS_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS_fuzz := -fsanitize=address,undefined
CFLAGS_cov := -O1 -g -fprofile-instr-generate -fcoverage-mapping -DMR_NO_SANDBOX=1
LDFLAGS_cov := -fprofile-instr-generate -fcoverage-mapping
ifneq ($(filter $(MODE),fuzz cov),)
CC := clang
endif

VERSION := $(shell sed -n 's/^## \([0-9.]*\).*/\1/p' NEWS.md | head -n 1)
CPPFLAGS := -I. -I$(B)/gen -D_GNU_SOURCE -include lib/base/mr_ban.h $(PKG_CFLAGS)
CFLAGS := -std=gnu11 $(WARN) $(CFLAGS_$(MODE)) $(EXTRA_CFLAGS)
LDFLAGS := $(LDFLAGS_$(MODE))

# -- what is built -----------------------------------------------------------------------------
# lib/*/*.c is libmillrace.a. A program is a folder: its main.c, and the logic beside it, which goes
# to an archive of its own, so that tests, fuzzers and the command line can call it.
LIB := $(B)/libmillrace.a
lib_objs := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard lib/*/*.c)))

# folder:program
PROGRAMS := milters/spam:millrace-spam lda/lmtpd:millrace-lmtpd lda/mapd:millrace-mapd lda/srsd:millrace-srsd lda/deliver:millrace-deliver tools:millrace
present = $(wildcard $(1)/main.c)
dirs := $(foreach p,$(PROGRAMS),$(if $(call present,$(firstword $(subst :, ,$(p)))),$(p)))
dir_of = $(firstword $(subst :, ,$(1)))
name_of = $(lastword $(subst :, ,$(1)))
# A folder may have logic before it has a program.
folders := $(foreach p,$(PROGRAMS),$(if $(wildcard $(call dir_of,$(p))/*.c),$(p)))
ARCHIVES := $(foreach p,$(folders),$(B)/$(call dir_of,$(p))/logic.a)
BINS := $(foreach p,$(dirs),$(BIN)/$(call name_of,$(p)))

UNIT := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/unit/test_*.c)))
FUZZ := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

.PHONY: all
all: $(LIB) $(ARCHIVES) $(BINS) ## programs, under build/MODE/bin

$(B)/%.o: %.c
	$(if $(PKG_FAILED),$(error libraries are missing: run make deps; pkg-config --cflags $(PKGS) says which))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(LIB): $(lib_objs)
	@rm -f $@
	@ar rcs $@ $^

# $(1) folder, $(2) program
define program
$(B)/$(1)/logic.a: $(patsubst %.c,$(B)/%.o,$(filter-out $(1)/main.c,$(wildcard $(1)/*.c)))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
$(BIN)/$(2): $(B)/$(1)/main.o $(ARCHIVES) $(LIB)
	@mkdir -p $$(@D)
	$(Q)$(CC) $(LDFLAGS) -o $$@ $(B)/$(1)/main.o -Wl,--start-group $(ARCHIVES) $(LIB) -Wl,--end-group $(PKG_LIBS)
endef
$(foreach p,$(folders),$(eval $(call program,$(call dir_of,$(p)),$(call name_of,$(p)))))

# Training is plain arithmetic whose every bit counts (milters/spam/train.h): no fused operations.
# The built-in model is a file that the assembler includes.
$(B)/milters/spam/%.o: CFLAGS += -ffp-contract=off
$(B)/milters/spam/builtin.o: milters/spam/model/builtin.model.zst

# The version is text in one object only, so that a new one does not rebuild everything.
$(B)/lib/run/mr_version.o: CPPFLAGS += -DMR_VERSION='"$(VERSION)"'
$(B)/lib/run/mr_version.o: NEWS.md

# The store's schema is SQL in files of its own, and becomes a table.
schema := $(sort $(wildcard lib/store/schema/*.sql))
$(B)/gen/schema.inc: $(schema) tools/dev/gen-schema.sh
	@mkdir -p $(@D)
	@tools/dev/gen-schema.sh $(schema) >$@
$(B)/lib/store/mr_store.o: $(B)/gen/schema.inc

# -- tests -------------------------------------------------------------------------------------
TEST_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard tests/unit/mr_*.c))
$(B)/tests/unit/test_%: $(B)/tests/unit/test_%.o $(TEST_OBJS) $(ARCHIVES) $(LIB)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(ARCHIVES) $(LIB) -Wl,--end-group $(PKG_LIBS) -lcmocka
# It takes the place of libc's open, write, fsync..., so in these tests alone.
$(B)/tests/unit/test_durable $(B)/tests/unit/test_durable_entry: $(B)/tests/unit/disk.o

# What needs a PostgreSQL server: tests/e2e/test_store.py starts one and then these.
STORE_TESTS := $(B)/tests/store/server $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_store*.c))
$(B)/tests/store/%: $(B)/tests/store/%.o $(TEST_OBJS) $(ARCHIVES) $(LIB)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(ARCHIVES) $(LIB) -Wl,--end-group $(PKG_LIBS) -lcmocka

# What only the benchmark rows use.
load_objs := $(B)/tests/bench/load/message.o
$(BIN)/smtp_load $(BIN)/pipe_load $(BIN)/store_load: $(BIN)/%: $(B)/tests/bench/load/%.o $(load_objs) $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(load_objs) $(LIB) $(PKG_LIBS)

.PHONY: bench
bench: ## benchmarks against peers, which are installed; ROW=name for one
	@tests/bench/run.sh $(ROW)

$(BIN)/mr-parse: $(B)/tests/bench/parse_ours.o $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(LIB) $(PKG_LIBS)

# Programs that tests start: milters and MTAs that do as they are told.
FAKE := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/fake/*.c)))
fake_objs := $(patsubst %,$(B)/tests/unit/%.o,mr_mta mr_note_stage)
$(B)/tests/fake/%: $(B)/tests/fake/%.o $(fake_objs) $(LIB)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(fake_objs) $(LIB) $(PKG_LIBS)

.PHONY: unit-build test check e2e soak playground deps
unit-build: all $(UNIT) $(FAKE) $(STORE_TESTS)

test: unit-build ## unit tests: no network, no root
	@tools/dev/run-unit.sh $(UNIT)

deps: ## install what deps.txt names and this machine lacks
	@tools/dev/deps.sh

e2e: all $(FAKE) $(STORE_TESTS) ## end-to-end tests against real servers; T=name for one part
	@tools/dev/run-e2e.sh $(B) $(T)

soak: all $(FAKE) $(STORE_TESTS) ## the tests that break things again and again, SOAK=10 times as long as in check
	@MR_SOAK=$(or $(SOAK),10) tools/dev/run-e2e.sh $(B) -m soak -s

check: ## deps, build, unit tests, end-to-end tests
	@tools/dev/check.sh

.PHONY: model
model: all ## train the spam filter's built-in model anew, from the npm package
	@tools/dev/make-model.sh $(B)

playground: ## a private mail system on loopback; MTA=sendmail, STORE=postgresql, ARGS='--smtp-port 3525 ...'
	@tools/dev/deps.sh
	@$(MAKE) --no-print-directory all
	@/usr/bin/python3 -B tests/e2e/playground.py --build $(B) $(if $(MTA),--mta $(MTA)) $(if $(STORE),--store $(STORE)) $(ARGS)

# -- what the tests can also run under -----------------------------------------------------------
.PHONY: check-asan check-tsan check-oom check-valgrind cover fuzz fuzz-build
check-asan: ## unit tests under ASan and UBSan
	@$(MAKE) --no-print-directory MODE=asan test
check-tsan: ## unit tests under TSan
	@$(MAKE) --no-print-directory MODE=tsan test
check-oom: ## unit tests with each allocation failing once, under ASan
	@MR_TEST_OOM=1 $(MAKE) --no-print-directory MODE=asan test
check-valgrind: ## unit tests under valgrind
	@MR_TEST_VALGRIND=1 RUN_UNDER='valgrind -q --error-exitcode=9 --leak-check=full --suppressions=tests/unit/valgrind.supp' \
		$(MAKE) --no-print-directory test
cover: ## lines that unit tests and fuzz targets reach, and those of the seeds alone, for each file
	@$(MAKE) --no-print-directory MODE=cov unit-build fuzz-build
	@tools/dev/cover.sh build/cov $(UNIT:$(B)/%=build/cov/%) $(FUZZ:$(B)/%=build/cov/%)

fuzz: ## every fuzz target for TIME=60 seconds; T=name for one
	@$(MAKE) --no-print-directory MODE=fuzz fuzz-build
	@tools/dev/fuzz.sh build/fuzz $(or $(TIME),60) $(or $(T),$(FUZZ:$(B)/tests/fuzz/fuzz_%=%))
fuzz-build: $(FUZZ)
# In both modes clang's libFuzzer has main(); MODE=cov lets it run corpora only.
$(B)/tests/fuzz/fuzz_stage: $(B)/tests/unit/mr_note_stage.o
$(B)/tests/fuzz/fuzz_store_load: $(B)/tests/unit/mr_dump_test.o
$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(ARCHIVES) $(LIB)
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $(filter %.o,$^) -Wl,--start-group $(ARCHIVES) $(LIB) -Wl,--end-group $(PKG_LIBS)

# -- the sources themselves ----------------------------------------------------------------------
SOURCES := $(wildcard lib/*/*.[ch] milters/*/*.[ch] lda/*/*.[ch] tools/*.[ch] tools/dev/*.[ch] tests/*/*.[ch] tests/bench/*/*.[ch])
.PHONY: lint fmt docs compile_commands.json
lint: $(BIN)/gen_conf ## format, layers, lengths, cppcheck, clang-tidy; T=check for one
	@tools/dev/lint.sh $(B) $(T)
fmt: ## clang-format on every source
	@clang-format -i $(SOURCES)
docs: $(BIN)/gen_conf ## sample settings and their manual page, from conf/settings.def
	@mkdir -p docs/man
	@$(BIN)/gen_conf sample >conf/millrace.conf.sample
	@$(BIN)/gen_conf man >docs/man/millrace.conf.5
$(BIN)/gen_conf: $(B)/tools/dev/gen_conf.o $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(LIB) $(PKG_LIBS)
compile_commands.json: ## for editors and clang-tidy
	@tools/dev/compile-commands.sh '$(CC) $(CPPFLAGS) $(CFLAGS) -DMR_VERSION=\"$(VERSION)\"' $(filter %.c,$(SOURCES)) >$@

# -- installation --------------------------------------------------------------------------------
PREFIX ?= /usr
.PHONY: install
install: ## programs, manual pages, units, samples; DESTDIR, PREFIX=/usr; best with MODE=release
	@$(MAKE) -s --no-print-directory MODE=$(MODE) all
	@tools/dev/install.sh $(B) '$(DESTDIR)' '$(PREFIX)'

-include $(shell find $(B) -name '*.d' 2>/dev/null)

.PHONY: help clean
help: ## this list
	@sed -n 's/^\([a-z0-9_.-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 24
clean: ## remove build/
	rm -rf build/dev build/release build/asan build/tsan build/fuzz build/cov
