# hotfix: one static executable, see README.md; how it is built, HACKING.md.
#
#   make                the executable ./hotfix (musl, static-PIE)
#   make LIBC=glibc     the same from the machine's libc: build/glibc/hotfix
#   make check          all tests (T=name: only those whose path holds name)
#   make asan           the tests under address and undefined sanitizers
#   make bench          times beside those of others (T=NAME: only one)
#   make demo           a host, three clients, one push, on loopback
#   make demo-native    a server in C mended under load, likewise
#   make lint fmt       what must be clean; the formatter in place
#   make install        PREFIX, DESTDIR
#
# Yours to set, never overwritten here: CC CFLAGS LDFLAGS PREFIX DESTDIR
# LUA_SRC (a folder with Lua 5.4 sources), WERROR=1, V=1 (show commands).

CC       ?= gcc
CFLAGS   ?= -O2 -g
PREFIX   ?= /usr/local
LIBC     ?= musl
VERSION  := 0.1.0

ifeq ($(origin CC),default)
CC := gcc
endif

B := build/$(LIBC)
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

# --- flags ----------------------------------------------------------------

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wformat=2 -Wundef -Wvla \
	-Wcast-qual -Wpointer-arith $(if $(WERROR),-Werror)

IS_CLANG := $(findstring clang,$(shell $(CC) --version 2>/dev/null | head -n 1))

# A running hotfix can be patched itself: room at every function's entry and
# no cloning or propagation between functions that a patch could not follow.
ifeq ($(IS_CLANG),)
PATCHABLE := -fpatchable-function-entry=5 \
	-flive-patching=inline-only-static -fno-lto -frecord-gcc-switches
else
# Only position independent code of a library is left alone.
PATCHABLE := -fPIC -fpatchable-function-entry=5 -fsemantic-interposition \
	-frecord-command-line
endif

# No unwind tables in the file that is shipped: nothing here unwinds, and
# debuggers have their own in the unstripped one.
SMALL    := -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables
BASEFLAGS := -std=c99 -D_POSIX_C_SOURCE=200809L -I. -fPIE $(SMALL) \
	-fstack-protector-strong -MMD -MP \
	-DHOTFIX_VERSION='"$(VERSION)"'
HARDEN   := -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--build-id=sha1 \
	-Wl,--gc-sections
LUAFLAGS := -std=c99 -D_POSIX_C_SOURCE=200809L -DLUA_USE_POSIX -fPIE $(SMALL) \
	-fstack-protector-strong -MMD -MP

ifeq ($(LIBC),musl)
# musl-gcc compiles; plain gcc links, because the wrapper's -static-pie makes
# a dynamically linked file without a word.
MUSL_GCC ?= musl-gcc
MUSL_LIB ?= /usr/lib/$(shell $(CC) -dumpmachine 2>/dev/null | cut -d- -f1)-linux-musl
COMPILE  := REALGCC=$(CC) $(MUSL_GCC)
gccfile   = $(shell $(CC) -print-file-name=$(1) 2>/dev/null)
LINK      = $(CC) -static-pie -nostdlib $(HARDEN) $(LDFLAGS) -o $@ \
	$(MUSL_LIB)/rcrt1.o $(MUSL_LIB)/crti.o $(call gccfile,crtbeginS.o) \
	$(1) -L$(MUSL_LIB) -lm -lc $(call gccfile,libgcc.a) \
	$(call gccfile,libgcc_eh.a) -lc \
	$(call gccfile,crtendS.o) $(MUSL_LIB)/crtn.o
BASEFLAGS += $(PATCHABLE)
else ifeq ($(LIBC),asan)
# Built with Lua's own assertions and API checks too.
SAN      := -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
COMPILE  := $(CC)
LINK      = $(CC) -pie $(SAN) $(HARDEN) $(LDFLAGS) -o $@ $(1) -lm
BASEFLAGS += $(SAN) -DHOTFIX_SANITIZED
LUAFLAGS += $(SAN) -DLUAI_ASSERT -DLUA_USE_APICHECK
else
COMPILE  := $(CC)
LINK      = $(CC) -pie $(HARDEN) $(LDFLAGS) -o $@ $(1) -lm
BASEFLAGS += $(PATCHABLE)
endif

# --- what there is --------------------------------------------------------

LAYERS   := base crypto net update pack native peer lua-host
LIB_SRC  := $(foreach d,$(LAYERS),$(wildcard $(d)/*.c))
CMD_SRC  := hotfix.c $(wildcard cmd/*.c)
LIB_OBJ  := $(LIB_SRC:%.c=$(B)/%.o)
CMD_OBJ  := $(CMD_SRC:%.c=$(B)/%.o)

# Lua without its two programs, the undumper (lua-host/noundump.c stands in:
# no binary chunk can reach the interpreter) and dynamic loading.
LUA_NAMES := lapi lauxlib lbaselib lcode lcorolib lctype ldblib ldebug ldo \
	ldump lfunc lgc linit liolib llex lmathlib lmem loadlib lobject \
	lopcodes loslib lparser lstate lstring lstrlib ltable ltablib ltm \
	lutf8lib lvm lzio
LUA_DIR  := build/lua
LUA_OBJ  := $(LUA_NAMES:%=$(B)/lua/%.o)

UNIT     := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/*.c))
HELPERS  := $(patsubst tests/tools/%.c,$(B)/tests/%,$(wildcard tests/tools/*.c)) \
	$(B)/tests/swarm
CLI      := $(wildcard tests/cli/*.t)
# What talks over sockets passes on either loop: once more on poll(2). Not what
# opens none, and not what is long and about something else.
SOCKETS  := $(filter-out %/fetch.t %/ftp.t %/harness.t %/hostile.t %/house.t %/install.t \
	%/keygen.t %/kill9.t %/lua-cases.t %/man-lua.t %/native-create.t %/pack.t %/publish.t \
	%/push-document.t %/release.t %/sums.t %/time.t %/usage.t \
	%/demo-native.t %/man-native.t %/native-cases.t %/native-matrix.t \
	%/verify.t, $(CLI))
FUZZ     := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))

# --- build ----------------------------------------------------------------

.DELETE_ON_ERROR:
# Objects of tests are kept from one build to the next.
.PRECIOUS: $(B)/%.o
.PHONY: all check asan lua-cases ctcheck demo demo-native lint fmt \
	fmt-check fuzz install uninstall clean help

ifeq ($(LIBC),musl)
all: hotfix $(B)/libhotfix.a
hotfix: $(B)/hotfix
	$(call say,COPY,$@)
	$(Q)cp $< $@.new && mv -f $@.new $@
else
all: $(B)/hotfix $(B)/libhotfix.a
endif

$(B)/hotfix: $(CMD_OBJ) $(B)/libhotfix.a
	$(call say,LINK,$@)
	$(Q)$(call LINK,$^)

# One archive holds the library and its Lua, so that a program links it alone.
$(B)/libhotfix.a: $(LIB_OBJ) $(LUA_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/%.o: %.c $(B)/flags | $(LUA_DIR)/lua.h
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) $(BASEFLAGS) $(WARN) -isystem $(LUA_DIR) $(CFLAGS) \
		-c -o $@ $<

# Its functions that take wide vectors are all inlined, so it does not matter
# how processors without such registers would pass them.
$(B)/crypto/md5_lanes.o $(B)/crypto/md5_pair.o $(B)/crypto/sha512_blocks.o: \
	BASEFLAGS += -Wno-psabi

$(B)/lua/%.o: $(LUA_DIR)/lua.h $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,lua/$*.c)
	$(Q)$(COMPILE) $(LUAFLAGS) $(CFLAGS) -c -o $@ $(LUA_DIR)/$*.c

$(LUA_DIR)/lua.h:
	$(call say,GET,lua)
	$(Q)LUA_SRC='$(LUA_SRC)' sh lua-host/get-lua.sh $(LUA_DIR)

# Objects of another compiler or other flags are not mixed in.
FLAGS_NOW := $(COMPILE) $(BASEFLAGS) $(WARN) $(LUAFLAGS) $(CFLAGS) $(LDFLAGS)
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' | cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' >$@
.PHONY: FORCE

# For tests of cmd/ alone; what a test itself defines is not taken from it.
$(B)/cmd.a: $(filter-out $(B)/hotfix.o,$(CMD_OBJ))
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/tests/%: $(B)/tests/unit/%.o $(B)/cmd.a $(B)/libhotfix.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(call LINK,$^)

$(B)/tests/%: $(B)/tests/%.o $(B)/libhotfix.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(call LINK,$^)

$(B)/bench/%: $(B)/tests/bench/%.o $(B)/libhotfix.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(call LINK,$^)

$(B)/tests/%: $(B)/tests/tools/%.o $(B)/libhotfix.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(call LINK,$^)

# It makes what our code asks of the C library fail.
$(B)/tests/torture: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc \
	-Wl,--wrap=realloc,--wrap=strdup

# It has the machine's clock in its own hands.
$(B)/tests/clock: LDFLAGS += -Wl,--wrap=clock_settime

# Its connections end elsewhere than they should.
$(B)/tests/ftp_peer: LDFLAGS += -Wl,--wrap=connect

# Made beside the objects, never by themselves.
$(B)/%.d: ;
-include $(shell find $(B) -name '*.d' 2>/dev/null)

# --- tests ----------------------------------------------------------------

ifneq ($(T),)
sel = $(strip $(foreach t,$(1),$(if $(findstring $(T),$(t)),$(t))))
else
sel = $(1)
endif

# Unit tests are TAP programs, command-line tests TAP scripts; both get a
# scratch folder of their own from tests/run.sh, which keeps what they say in
# build/LIBC/log and tells why one failed.
LOG   := $(B)/log
prove = HOTFIX_LOG=$(CURDIR)/$(1) HOTFIX=$(CURDIR)/$(B)/hotfix \
	HOTFIX_BUILD=$(CURDIR)/$(B) \
	prove -Q -j 2 -e tests/run.sh $(2) 2>&1
check: deps-check
	$(Q)$(MAKE) --no-print-directory WERROR=1 check-all
check-all: all $(UNIT) $(HELPERS)
	$(if $(call sel,$(UNIT) $(CLI)),,$(error no test has $(T) in its path))
	$(Q)rm -rf $(LOG) && mkdir -p $(LOG)/poll
	$(Q)status=0; \
		$(call prove,$(LOG),$(call sel,$(UNIT)) $(call sel,$(CLI))) \
			$(if $(call sel,$(SOCKETS)),&& HOTFIX_LOOP=poll \
			$(call prove,$(LOG)/poll,$(call sel,$(SOCKETS)))) \
			|| status=1; \
		sh tests/skipped.sh $(LOG) $(LOG)/poll; \
		exit $$status
.PHONY: deps-check deps-build check-all
deps-check:
	$(Q)sh tests/deps.sh check
deps-build:
	$(Q)sh tests/deps.sh build

asan: deps-check
	$(Q)$(MAKE) --no-print-directory LIBC=asan WERROR=1 CFLAGS='-O1 -g' \
		check-all

# Cases of an update to a running Lua program: CASES=DIR, a folder a case.
CASES ?= tests/lua-cases
lua-cases: all $(B)/tests/lua-cases
	$(Q)$(B)/tests/lua-cases $(CASES)

# Beside what one would use instead, in turns; T=NAME runs one of them:
#   pause     how long a program stands still when a function is replaced.
#             PEER=FILE: reload.lua of luareload, to be measured beside it
#   package   how long a client stands still when a package comes in force
#   sums      verify --sums
#   publish   publish, to three FTP servers, and on a line with a delay
#   ntp       time
#   native    a call of a patched function, and how long threads are halted
# Times of sanitized code tell nothing.
BENCH      := pause package sums publish ntp native
BENCH_LIBC := $(if $(filter asan,$(LIBC)),musl,$(LIBC))
BENCH_DIR  := build/$(BENCH_LIBC)
bench:
	$(Q)sh tests/deps.sh $(if $(filter pause package native,$(T)),build,bench)
	$(Q)$(MAKE) --no-print-directory LIBC=$(BENCH_LIBC) all \
		$(BENCH_DIR)/bench/pause $(BENCH_DIR)/bench/package \
		$(BENCH_DIR)/bench/delay $(BENCH_DIR)/bench/native
	$(Q)PEER='$(PEER)' HOTFIX=$(CURDIR)/$(BENCH_DIR)/hotfix \
		HOTFIX_BUILD=$(CURDIR)/$(BENCH_DIR) \
		sh tests/bench/run.sh $(if $(T),$(T),$(BENCH))
# Of Linux' own headers, which musl's compiler does not find.
$(B)/bench/delay: tests/bench/delay.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=c99 -D_GNU_SOURCE $(WARN) $(CFLAGS) -o $@ $<
.PHONY: bench

# --- the rest -------------------------------------------------------------

MANDIR   := $(DESTDIR)$(PREFIX)/share/man
MAN      := $(wildcard man/*.[0-9])

# The header has the name by which programs include it here.
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib \
		$(DESTDIR)$(PREFIX)/include/lua-host
	install -s -m 755 $(B)/hotfix $(DESTDIR)$(PREFIX)/bin/hotfix
	install -m 644 $(B)/libhotfix.a $(DESTDIR)$(PREFIX)/lib
	install -m 644 lua-host/hotfix.h $(DESTDIR)$(PREFIX)/include/lua-host
	for page in $(MAN); do \
		section=man$${page##*.}; \
		install -d $(MANDIR)/$$section && \
		install -m 644 $$page $(MANDIR)/$$section || exit 1; \
	done

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/hotfix \
		$(DESTDIR)$(PREFIX)/lib/libhotfix.a \
		$(DESTDIR)$(PREFIX)/include/lua-host/hotfix.h
	for page in $(MAN); do \
		rm -f $(MANDIR)/man$${page##*.}/$${page#man/}; \
	done

demo: deps-build
	$(Q)$(MAKE) --no-print-directory all
	$(Q)sh examples/arena/demo.sh
demo-native: deps-build
	$(Q)$(MAKE) --no-print-directory all
	$(Q)HOTFIX=$(CURDIR)/$(B)/hotfix HOTFIX_BUILD=$(CURDIR)/$(B) \
		sh examples/native/demo.sh

C_FILES := $(shell git ls-files '*.c' '*.h' 2>/dev/null)
fmt:
	$(Q)clang-format -i $(C_FILES)
fmt-check:
	$(Q)clang-format --dry-run -Werror $(C_FILES)
lint:
	$(Q)sh tests/lint.sh

# Constant time: secrets are marked undefined, valgrind reports any branch or
# index that depends on one.
ctcheck: deps-check
	$(Q)$(MAKE) --no-print-directory LIBC=glibc build/glibc/tests/ctcheck
	valgrind -q --error-exitcode=1 build/glibc/tests/ctcheck

# make fuzz F=frame T=60 (seconds): libFuzzer on one pure parser.
FUZZ_T = $(if $(T),$(T),30)
fuzz:
	$(Q)for f in $(if $(F),$(F),$(FUZZ)); do \
		$(MAKE) --no-print-directory build/fuzz/$$f && \
		mkdir -p build/fuzz/corpus/$$f && \
		build/fuzz/$$f -max_total_time=$(FUZZ_T) -print_final_stats=0 \
			build/fuzz/corpus/$$f $(wildcard tests/fuzz/seeds) \
			|| exit 1; \
	done
build/fuzz/%: tests/fuzz/%.c $(filter base/% crypto/% net/% update/% pack/% native/% peer/%, \
	$(LIB_SRC))
	@mkdir -p $(@D)
	clang -g -O1 -std=c99 -D_POSIX_C_SOURCE=200809L -I. \
		-DHOTFIX_VERSION='"$(VERSION)"' \
		-fsanitize=fuzzer,address,undefined -o $@ $^

clean:
	rm -rf build hotfix
help:
	@sed -n '3,15s/^#//p' Makefile
