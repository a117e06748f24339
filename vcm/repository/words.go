package repository

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

// Words says what somebody who signs the change agrees to: every document in it, how it differs from what clients have
// now, and how long it is valid. It is made from the documents alone, never from what came beside them.
func (p *Pending) Words() []string {
	var w words
	for _, role := range p.d.changed() {
		if role == metadata.ROOT {
			w.root(p.d)
		} else {
			w.role(p.d, role)
		}
	}
	return w.lines
}

type words struct{ lines []string }

// say adds a line, without what could make a terminal show something else.
func (w *words) say(format string, args ...any) {
	w.lines = append(w.lines, strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, fmt.Sprintf(format, args...)))
}

// head begins the words on a document; what follows is indented below it.
func (w *words) head(role string, version int64, expires time.Time) (begin int) {
	w.say("%s %d, valid until %s:", role, version, expires.UTC().Format(time.DateOnly))
	return len(w.lines)
}

func (w *words) orNothing(begin int, known bool) {
	switch {
	case len(w.lines) > begin:
	case known:
		w.say("  the same content as before, signed anew")
	default:
		w.say("  nothing yet")
	}
}

func (w *words) root(d *draft) {
	begin := w.head(metadata.ROOT, d.root.Signed.Version, d.root.Signed.Expires)
	for _, role := range []string{metadata.ROOT, metadata.TARGETS, metadata.SNAPSHOT, metadata.TIMESTAMP} {
		was, is := rootAuthority(d.base.root, role), rootAuthority(d.root, role)
		w.keys(role, was, is)
	}
	w.orNothing(begin, true)
}

// keys says how the keys of a role change.
func (w *words) keys(role string, was, is authority) {
	for _, id := range is.ids {
		if !slices.Contains(was.ids, id) {
			w.say("  key %.8s may sign for %s from now on", id, role)
		}
	}
	for _, id := range was.ids {
		if !slices.Contains(is.ids, id) {
			w.say("  key %.8s may not sign for %s any more", id, role)
		}
	}
	if was.threshold != is.threshold || len(was.ids) != len(is.ids) {
		w.say("  %s needs %d of %d keys (before: %d of %d)", role, is.threshold, len(is.ids), was.threshold, len(was.ids))
	}
}

func (w *words) role(d *draft, role string) {
	doc := d.roles[role]
	begin := w.head(role, doc.Signed.Version, doc.Signed.Expires)
	var before metadata.TargetsType
	if base := d.base.targets[role]; base != nil {
		before = base.Signed
	}
	if role == metadata.TARGETS {
		w.delegations(d)
	}
	names := slices.Collect(maps.Keys(doc.Signed.Targets))
	for name := range before.Targets {
		if _, kept := doc.Signed.Targets[name]; !kept {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		w.target(name, before.Targets[name], doc.Signed.Targets[name])
	}
	w.orNothing(begin, d.base.targets[role] != nil)
}

func (w *words) delegations(d *draft) {
	for _, role := range delegated(&d.top().Signed) {
		was := delegation(&d.base.top().Signed, role.Name)
		if was == nil {
			w.say("  a new role %s, trusted with %s", role.Name, strings.Join(role.Paths, " and "))
		} else if !slices.Equal(was.Paths, role.Paths) {
			w.say("  %s is trusted with %s (before: %s)", role.Name, strings.Join(role.Paths, " and "), strings.Join(was.Paths, " and "))
		}
		w.keys(role.Name, targetsAuthority(d.base.top(), role.Name), targetsAuthority(d.top(), role.Name))
	}
	for _, role := range delegated(&d.base.top().Signed) {
		if delegation(&d.top().Signed, role.Name) == nil {
			w.say("  no role %s any more", role.Name)
		}
	}
}

func (w *words) target(name string, was, is *metadata.TargetFiles) {
	switch {
	case is == nil:
		w.say("  takes %q away", name)
	case was == nil:
		w.say("  adds %s", describe(name, is))
	case !sameTarget(was, is):
		w.say("  changes %s (before: %s)", describe(name, is), describe(name, was))
	}
}

// describe puts a target in words; one that is none of the known kinds by its name and hash.
func describe(name string, target *metadata.TargetFiles) string {
	app, rest, _ := strings.Cut(name, "/")
	if custom, err := customOf(name, target); err == nil {
		if rel, err := decodeRelease(name, target); err == nil {
			return fmt.Sprintf("the release %s %s for %s on %s: %d bytes, SHA-256 %s, %d patches",
				rel.App, rel.Version, rel.Platform, rel.Channel, rel.Length, rel.SHA256, len(rel.Patches))
		}
		if floor, err := release.DecodeFloor(custom); err == nil && rest == "floor" {
			return fmt.Sprintf("the version floor of %s: nothing older than %s", app, floor)
		}
		if r, err := release.DecodeRollout(app, name, custom); err == nil {
			return "the rollout of " + app + " on " + Describe(r)
		}
	}
	return fmt.Sprintf("%q, which this program cannot read: SHA-256 %x", name, []byte(target.Hashes["sha256"]))
}

// Describe puts a rollout in words, its channel first.
func Describe(r release.Rollout) string {
	previous := "nothing"
	if !r.Previous.IsZero() {
		previous = r.Previous.String()
	}
	text := fmt.Sprintf("%s: %s for %s of all clients, %s for the others", r.Channel, r.Target, percent(r.Share), previous)
	if r.Halted {
		text = fmt.Sprintf("%s: halted; %s for all instead of %s for %s", r.Channel, previous, r.Target, percent(r.Share))
	}
	if len(r.Recalled) > 0 {
		var versions []string
		for _, v := range r.Recalled {
			versions = append(versions, v.String())
		}
		text += "; recalled: " + strings.Join(versions, ", ")
	}
	return text
}

func percent(share int) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", float64(share)*100/release.Shares), "0"), ".") + " %"
}
