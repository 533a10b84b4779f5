#include "milters/spam/rebuild.h"

#include <stdlib.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "milters/spam/consensus.h"

#define LESSONS_SIZE_MAX ((size_t)8 << 30) /* bytes of the operator's lessons */
#define EXPIRE_MAX       1000 /* lessons in one transaction */

/* Who taught, sorted: owners of one domain side by side, the domain itself ("@domain") first. */
struct owner {
	struct mr_span name, domain;
	size_t lessons;
};

struct build {
	const struct mr_spam_rebuild *what;
	struct mr_arena *arena; /* of owners */
	struct mr_span only; /* owners of this domain; empty: all */
	struct owner *owner;
	size_t owner_count, owner_room;
	struct mr_spam_trainer *trainer; /* of one owner's lessons */
	struct mr_spam_model model; /* the one that corrections are made on */
	struct mr_spam_consensus *domain, *world;
	struct mr_spam_rebuilt done;
};

/* -- the operator's lessons ------------------------------------------------------------------- */

/* b->model becomes the one of these bytes. */
static int take_model(struct build *b, struct mr_span bytes)
{
	struct mr_spam_model m;
	char *p = mr_malloc(bytes.len);
	int err;

	if (p == NULL)
		return MR_ENOMEM;
	memcpy(p, bytes.p, bytes.len);
	if ((err = mr_spam_model_read(mr_span(p, bytes.len), &m, NULL)) < 0) {
		mr_free(p);
		return err;
	}
	m.owned = p;
	mr_spam_model_done(&b->model);
	b->model = m;
	return 0;
}

static int operator_model(struct build *b)
{
	const struct mr_spam_rebuild *what = b->what;
	MR_AUTO(mr_spam_trainer) *trainer = mr_spam_trainer_new(LESSONS_SIZE_MAX);
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_MODEL_SIZE_MAX);
	int err;

	if (trainer == NULL)
		return MR_ENOMEM;
	if ((err = mr_spam_correct_gather(what->store, trainer, mr_span("", 0), what->lessons_max,
					  &b->done.skipped)) < 0 ||
	    (err = mr_spam_trainer_run(trainer, what->base, MR_SPAM_FP_MAX, what->progress,
				       what->progress_arg, &bytes)) < 0)
		return err;
	b->done.lessons = mr_spam_trainer_count(trainer);
	return take_model(b, mr_buf_span(&bytes));
}

/* -- who taught ------------------------------------------------------------------------------- */

static int add_owner(void *arg, const struct mr_teacher *t)
{
	struct build *b = arg;
	size_t at = mr_span_rfind(t->name, '@');
	struct owner *o;
	int err;

	if (t->name.len == 0) {
		int64_t all = t->spam_count + t->ham_count;

		if (all > b->what->lessons_max)
			b->done.left_out = (size_t)(all - b->what->lessons_max);
		return 0;
	}
	if (at == t->name.len) /* nobody's name: no program of ours wrote it */
		return 0;
	if (b->only.len > 0 && !mr_span_eq(b->only, mr_span_sub(t->name, at, t->name.len)))
		return 0;
	if ((err = mr_arena_grow(b->arena, &b->owner, &b->owner_room, b->owner_count + 1,
				 sizeof(*b->owner))) < 0)
		return MR_ELIMIT;
	o = &b->owner[b->owner_count];
	if ((err = mr_arena_dup(b->arena, t->name, &o->name)) < 0)
		return MR_ELIMIT;
	o->domain = mr_span_sub(o->name, at, o->name.len);
	o->lessons = (size_t)(t->spam_count + t->ham_count);
	b->owner_count++;
	return 0;
}

static int by_domain(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;
	int order = mr_span_cmp(x->domain, y->domain);

	return order != 0 ? order : mr_span_cmp(x->name, y->name);
}

static int by_domain_alone(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	return mr_span_cmp(x->domain, y->domain);
}

static bool is_domain(const struct owner *o)
{
	return o->name.len == o->domain.len;
}

/* The owners from `at` on that are of one domain. */
static size_t domain_end(const struct build *b, size_t at)
{
	size_t end = at + 1;

	while (end < b->owner_count && mr_span_eq(b->owner[end].domain, b->owner[at].domain))
		end++;
	return end;
}

/* -- what they agree on ----------------------------------------------------------------------- */

/* What one owner says to others. */
static int voice_of(struct build *b, const struct owner *o, struct mr_spam_correction *voice_out)
{
	struct mr_spam_skipped skipped = { 0, 0 }; /* counted once, when corrections are made */
	int err = mr_spam_correct_delta(b->what->store, b->trainer, &b->model, o->name, false,
					&skipped, voice_out);

	if (err >= 0)
		mr_spam_correct_level(&b->model, voice_out);
	return err;
}

/*
 * What the users of one domain, from `at` up to end, say. Of each weight a domain speaks twice: what its users
 * who raise it say, and what those say who lower it. In one mean a single user, who says the opposite and louder,
 * would silence all others of his domain; so he is heard as what he is, the strongest of the other side.
 */
static int domain_voice(struct build *b, size_t at, size_t end)
{
	struct mr_spam_correction voice;
	int err = 0;

	if (end - at == 1) {
		if ((err = voice_of(b, &b->owner[at], &voice)) >= 0)
			mr_spam_consensus_add(b->world, &voice);
		return err < 0 ? err : 0;
	}
	mr_spam_consensus_clear(b->domain);
	for (; at < end && err >= 0; at++) {
		if ((err = voice_of(b, &b->owner[at], &voice)) >= 0)
			mr_spam_consensus_add(b->domain, &voice);
	}
	for (enum mr_spam_consensus_of of = MR_SPAM_MEAN_UP; of <= MR_SPAM_MEAN_DOWN && err >= 0;
	     of++) {
		if ((err = mr_spam_consensus_get(b->domain, of, &voice)) >= 0)
			mr_spam_consensus_add(b->world, &voice);
	}
	return err < 0 ? err : 0;
}

/* The weights of b->model with the changes of k, in memory of its own. */
static int changed_weights(const struct build *b, const struct mr_spam_correction *k,
			   int16_t **weights_out)
{
	size_t count[MR_SPAM_TABLES], all = 0;
	int16_t *w;

	for (unsigned i = 0; i < MR_SPAM_TABLES; i++)
		all += count[i] = (size_t)1 << b->model.bits[i];
	if ((w = mr_malloc(all * sizeof(*w))) == NULL)
		return MR_ENOMEM;
	*weights_out = w;
	for (unsigned i = 0; i < MR_SPAM_TABLES; w += count[i++]) {
		memcpy(w, b->model.weight[i], count[i] * sizeof(*w));
		for (uint32_t n = 0; n < k->count[i]; n++) {
			uint32_t slot = k->change[i][n].slot;
			int32_t v = mr_spam_weight_at(&b->model, i, slot) + k->change[i][n].by;

			v = v > INT16_MAX ? INT16_MAX : v < -INT16_MAX ? -INT16_MAX : v;
			w[slot] = (int16_t)htole16((uint16_t)v);
		}
	}
	return 0;
}

/* What users agree on goes into the model; the threshold stays. */
static int add_agreed(struct build *b)
{
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_MODEL_SIZE_MAX);
	struct mr_spam_correction agreed;
	struct mr_spam_model m = b->model;
	int16_t *weights = NULL;
	int err;

	if ((err = mr_spam_consensus_get(b->world, MR_SPAM_AGREED, &agreed)) < 0 ||
	    (err = changed_weights(b, &agreed, &weights)) < 0)
		return err;
	m.user_count = (uint32_t)b->done.user_lessons;
	m.voices = (uint32_t)b->done.voices;
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++)
		m.weight[i] = weights + (i == 0 ? 0 : (size_t)1 << m.bits[0]);
	if ((err = mr_spam_model_write(&m, &bytes)) == 0)
		err = take_model(b, mr_buf_span(&bytes));
	mr_free(weights);
	return err;
}

static int all_voices(struct build *b)
{
	int err = 0;

	for (size_t at = 0, end; at < b->owner_count && err == 0; at = end) {
		end = domain_end(b, at);
		err = domain_voice(b, at, end);
		b->done.voices++;
	}
	return err;
}

/* -- corrections ------------------------------------------------------------------------------ */

/* What the domain itself taught, in full, on top of what its users agree on; the sum of both. */
static int add_own(struct build *b, const struct owner *self,
		   const struct mr_spam_correction *agreed, struct mr_buf *out)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_SPAM_CORRECTION_ROOM);
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_CORRECTION_SIZE_MAX);
	struct mr_spam_correction below, own;
	struct mr_spam_model view;
	int err;

	if (arena == NULL)
		return MR_ENOMEM;
	if ((err = mr_spam_correct_bytes(&b->model, agreed, false, &bytes)) < 0 ||
	    (err = mr_spam_correction_read(mr_buf_span(&bytes), arena, &below)) < 0)
		return err;
	view = mr_spam_model_corrected(&b->model, &below, 1);
	if ((err = mr_spam_correct_delta(b->what->store, b->trainer, &view, self->name, true,
					 &b->done.skipped, &own)) < 0)
		return err;
	own.threshold = mr_spam_correct_drift(&view, &own);
	return mr_spam_correct_sum(&b->model, &below, &own, out);
}

/* Nothing in out: the domain changes nothing. */
static int domain_bytes(struct build *b, size_t at, size_t end, struct mr_buf *out)
{
	const struct owner *self = is_domain(&b->owner[at]) ? &b->owner[at] : NULL;
	struct mr_spam_correction delta;
	int err = 0;

	mr_spam_consensus_clear(b->domain);
	for (size_t i = at + (self != NULL); i < end && err >= 0; i++) {
		if ((err = voice_of(b, &b->owner[i], &delta)) >= 0)
			mr_spam_consensus_add(b->domain, &delta);
	}
	if (err < 0 || (err = mr_spam_consensus_get(b->domain, MR_SPAM_AGREED, &delta)) < 0)
		return err;
	if (self != NULL)
		return add_own(b, self, &delta, out);
	return delta.count[0] + delta.count[1] == 0
		       ? 0
		       : mr_spam_correct_bytes(&b->model, &delta, false, out);
}

static int remove_correction(struct build *b, struct mr_span owner)
{
	int err = mr_store_correction_remove(b->what->store, owner);

	return err == MR_ENOENT ? 0 : err;
}

static int domain_correction(struct build *b, size_t at, size_t end)
{
	struct mr_span domain = b->owner[at].domain;
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_CORRECTION_SIZE_MAX);
	int err = domain_bytes(b, at, end, &bytes);

	if (err < 0)
		return err;
	if (bytes.len == 0)
		return remove_correction(b, domain);
	b->done.owners++;
	return mr_store_correction_put(b->what->store, domain, b->what->now_s, mr_buf_span(&bytes));
}

static int all_corrections(struct build *b)
{
	const struct mr_spam_rebuild *what = b->what;
	int err = 0;

	for (size_t at = 0, end; at < b->owner_count && err >= 0; at = end) {
		end = domain_end(b, at);
		err = domain_correction(b, at, end);
		for (; at < end && err >= 0; at++) {
			if (is_domain(&b->owner[at]))
				continue;
			err = mr_spam_correct(what->store, b->trainer, &b->model, b->owner[at].name,
					      what->now_s, &b->done.skipped);
			b->done.owners += err > 0;
			if (what->progress != NULL)
				what->progress(what->progress_arg, at + 1, b->owner_count);
		}
	}
	return err < 0 ? err : 0;
}

/* -- corrections of owners who teach no more -------------------------------------------------- */

struct stale {
	const struct build *b;
	struct mr_arena *arena;
	struct mr_span *name;
	size_t count, room;
};

static int add_stale(void *arg, struct mr_span owner, int64_t made_s MR_UNUSED,
		     size_t size MR_UNUSED)
{
	struct stale *s = arg;
	struct owner key = { .name = owner };
	int err;

	key.domain = mr_span_sub(owner, mr_span_rfind(owner, '@'), owner.len);
	/* A domain whose users teach has what they agree on, or had it removed a moment ago. */
	if (s->b->owner_count > 0 && bsearch(&key, s->b->owner, s->b->owner_count, sizeof(key),
					     is_domain(&key) ? by_domain_alone : by_domain))
		return 0;
	if ((err = mr_arena_grow(s->arena, &s->name, &s->room, s->count + 1, sizeof(*s->name))) <
		    0 ||
	    (err = mr_arena_dup(s->arena, owner, &s->name[s->count])) < 0)
		return MR_ELIMIT;
	s->count++;
	return 0;
}

static int remove_stale(struct build *b)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_SPAM_OWNERS_SIZE_MAX);
	struct stale s = { .b = b, .arena = arena };
	int err;

	if (arena == NULL)
		return MR_ENOMEM;
	err = mr_store_correction_each(b->what->store, add_stale, &s);
	for (size_t i = 0; i < s.count && err == 0; i++)
		err = remove_correction(b, s.name[i]);
	return err;
}

/* -- all of it -------------------------------------------------------------------------------- */

static int expire(struct build *b)
{
	int n;

	do {
		n = mr_store_lesson_expire(b->what->store, b->what->now_s, EXPIRE_MAX);
		b->done.expired += n > 0 ? (size_t)n : 0;
	} while (n == EXPIRE_MAX);
	return n < 0 ? n : 0;
}

/* Whoever was removed, or never was there, is no voice. */
static int drop_strangers(struct build *b)
{
	const struct mr_spam_rebuild *what = b->what;
	size_t kept = 0;

	for (size_t i = 0; i < b->owner_count; i++) {
		int known = what->known ? what->known(what->known_arg, b->owner[i].name) : 1;

		if (known < 0)
			return known;
		if (known == 0) {
			b->done.strangers++;
			continue;
		}
		b->done.user_lessons += b->owner[i].lessons;
		b->owner[kept++] = b->owner[i];
	}
	b->owner_count = kept;
	return 0;
}

static int find_owners(struct build *b, const uint32_t bits[MR_SPAM_TABLES])
{
	int err = mr_store_teacher_each(b->what->store, add_owner, b);

	if (err == 0)
		err = drop_strangers(b);
	if (err < 0 || b->owner_count == 0)
		return err;
	qsort(b->owner, b->owner_count, sizeof(*b->owner), by_domain);
	b->trainer = mr_spam_trainer_new(MR_SPAM_OWNER_LESSONS_SIZE_MAX);
	b->domain = mr_spam_consensus_new(bits);
	b->world = mr_spam_consensus_new(bits);
	return b->trainer == NULL || b->domain == NULL || b->world == NULL ? MR_ENOMEM : 0;
}

static int write_model(struct build *b)
{
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_MODEL_SIZE_MAX);
	int err = mr_spam_model_write(&b->model, &bytes);

	return err < 0 ? err : mr_replace_file(b->what->path, mr_buf_span(&bytes), 0644);
}

static void build_done(struct build *b)
{
	mr_spam_consensus_free(b->domain);
	mr_spam_consensus_free(b->world);
	mr_spam_trainer_free(b->trainer);
	mr_arena_free(b->arena);
}

int mr_spam_rebuild(const struct mr_spam_rebuild *what, struct mr_spam_rebuilt *rebuilt_out)
{
	struct build b = { .what = what };
	int err;

	if ((b.arena = mr_arena_new(MR_SPAM_OWNERS_SIZE_MAX)) == NULL)
		return MR_ENOMEM;
	if ((err = expire(&b)) < 0 || (err = find_owners(&b, what->base->bits)) < 0 ||
	    (err = operator_model(&b)) < 0)
		goto out;
	if (b.owner_count > 0 && ((err = all_voices(&b)) < 0 || (err = add_agreed(&b)) < 0))
		goto out;
	if ((err = write_model(&b)) < 0 || (err = all_corrections(&b)) < 0 ||
	    (err = remove_stale(&b)) < 0)
		goto out;
	*rebuilt_out = b.done;
out:
	mr_spam_model_done(&b.model);
	build_done(&b);
	return err;
}

int mr_spam_rebuild_domain(const struct mr_spam_rebuild *what, const struct mr_spam_model *model,
			   struct mr_span domain)
{
	struct build b = { .what = what, .only = domain, .model = *model };
	int err;

	if ((b.arena = mr_arena_new(MR_SPAM_OWNERS_SIZE_MAX)) == NULL)
		return MR_ENOMEM;
	if ((err = find_owners(&b, model->bits)) == 0)
		err = b.owner_count > 0 ? domain_correction(&b, 0, b.owner_count)
					: remove_correction(&b, domain);
	build_done(&b);
	return err;
}
