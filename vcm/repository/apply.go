package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// pendingDir holds changes that wait for signatures, each named by the most powerful role that it changes. No two of
// them change the same role: a later change is made upon the earlier one and takes its place.
const pendingDir = "pending"

// PendingError says that a change was made and kept, and that clients see nothing of it until it has been signed.
type PendingError struct {
	File  string // the change, for vcm keys sign
	Roles []string
	Lacks []Lack
}

func (e *PendingError) Error() string {
	l := e.Lacks[0]
	return fmt.Sprintf("the change waits for signatures: %s has %d of %d that %s asks for; have %s signed by the holders of the keys",
		l.Role, l.Have, l.Need, l.By, e.File)
}

// Unwrap makes it an ErrUnsigned.
func (e *PendingError) Unwrap() error { return ErrUnsigned }

// apply makes a change upon what is there, as one transaction: all of it is published, or, where signatures are
// missing, kept as a pending change and a *PendingError returned. It tells whether anything was published.
func (r *Repository) apply(ctx context.Context, keys Keys, edit func(d *draft) error) (bool, error) {
	return r.applyTo(ctx, keys, loadState, edit)
}

func (r *Repository) applyTo(ctx context.Context, keys Keys, load func(dir *os.Root) (*state, error), edit func(d *draft) error) (published bool, err error) {
	err = r.locked(func(dir *os.Root) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := load(dir)
		if err != nil {
			return err
		}
		waiting, err := r.waiting(dir, s)
		if err != nil {
			return err
		}
		d, used, err := r.compose(s, waiting, edit)
		if err != nil || len(d.changed()) == 0 {
			return err
		}
		if _, err := d.sign(keys); err != nil {
			return err
		}
		published = true
		return r.publish(dir, d, used, keys)
	})
	return published && err == nil, err
}

// compose makes the change, upon those of the pending changes that concern the same roles.
func (r *Repository) compose(s *state, waiting []*Pending, edit func(d *draft) error) (*draft, []*Pending, error) {
	var used []*Pending
	for {
		d := newDraft(s)
		for _, p := range used {
			if err := d.adopt(p); err != nil {
				return nil, nil, err
			}
		}
		if err := edit(d); err != nil {
			return nil, nil, err
		}
		if err := d.settle(r.now(), r.opts.Lifetimes); err != nil {
			return nil, nil, err
		}
		more := slices.DeleteFunc(slices.Clone(waiting), func(p *Pending) bool {
			return slices.Contains(used, p) || !intersect(p.Roles(), d.changed())
		})
		if len(more) == 0 {
			return d, used, nil
		}
		used = append(used, more...)
	}
}

func intersect(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// publish commits a draft in the place of the pending changes that it was made upon, or keeps it as one.
func (r *Repository) publish(dir *os.Root, d *draft, used []*Pending, keys Keys) error {
	lacks, err := d.lacksToCommit(keys)
	if err != nil {
		return err
	}
	if len(lacks) == 0 {
		if err := r.commit(dir, d, keys, false); err != nil {
			return err
		}
		return r.forget(dir, used, "")
	}
	roots, err := rootChain(dir)
	if err != nil {
		return err
	}
	p := &Pending{Made: r.now(), d: d, roots: roots}
	name := pendingDir + "/" + d.changed()[0] + ".json"
	data, err := p.Encode()
	if err != nil {
		return err
	}
	if err := dir.MkdirAll(pendingDir, 0o755); err != nil {
		return err
	}
	if err := r.write(dir, name, data, 0o644); err != nil {
		return err
	}
	if err := r.forget(dir, used, name); err != nil {
		return err
	}
	return &PendingError{File: r.opts.Dir + "/" + name, Roles: d.changed(), Lacks: lacks}
}

// lacksToCommit adds to what people must sign the keys of snapshot and timestamp, which must be at hand.
func (d *draft) lacksToCommit(keys Keys) ([]Lack, error) {
	lacks := d.lacks()
	if len(lacks) > 0 {
		return lacks, nil
	}
	for _, role := range []string{metadata.SNAPSHOT, metadata.TIMESTAMP} {
		can, err := d.able(role, keys)
		if err != nil {
			return nil, err
		}
		if !can {
			a := d.authorities(role)[0]
			lacks = append(lacks, Lack{Role: role, By: a.By, Need: a.threshold, Keys: a.ids})
		}
	}
	return lacks, nil
}

// forget removes pending changes whose place another one, or the feed itself, has taken.
func (r *Repository) forget(dir *os.Root, used []*Pending, except string) error {
	for _, p := range used {
		name := pendingDir + "/" + p.Roles()[0] + ".json"
		if name == except {
			continue
		}
		if err := dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// waiting reads the pending changes that can still be made. Those that were published, and those that the feed has
// overtaken, are removed.
func (r *Repository) waiting(dir *os.Root, s *state) ([]*Pending, error) {
	all, err := pendingFiles(dir)
	if err != nil {
		return nil, err
	}
	var waiting []*Pending
	for _, p := range all {
		if err := newDraft(s).adopt(p); err == nil {
			waiting = append(waiting, p)
			continue
		}
		r.opts.Log.Warn("a pending change was overtaken and is dropped", "roles", p.Roles(), "made", p.Made, "published", p.published(s))
		if err := r.forget(dir, []*Pending{p}, ""); err != nil {
			return nil, err
		}
	}
	return waiting, nil
}

func pendingFiles(dir *os.Root) ([]*Pending, error) {
	entries, err := fs.ReadDir(dir.FS(), pendingDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []*Pending
	for _, e := range entries {
		role, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || strings.HasPrefix(role, ".") {
			continue
		}
		data, err := readFile(dir, pendingDir+"/"+e.Name(), MaxPending)
		if err != nil {
			return nil, err
		}
		p, err := DecodePending(data)
		if err == nil && p.Roles()[0] != role {
			err = fmt.Errorf("it changes %s first", p.Roles()[0])
		}
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w; remove the file to give the change up", pendingDir, e.Name(), err)
		}
		all = append(all, p)
	}
	return all, nil
}

// Pending lists the changes that wait for signatures.
func (r *Repository) Pending() ([]*Pending, error) {
	dir, err := os.OpenRoot(r.opts.Dir)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return pendingFiles(dir)
}

// Merge takes over a pending change that was signed, or made, elsewhere; signs it by the keys at hand; and publishes it
// once every signature is there. Until then it returns a *PendingError. already: it was published before.
func (r *Repository) Merge(ctx context.Context, p *Pending, keys Keys) (already bool, err error) {
	err = r.locked(func(dir *os.Root) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := loadState(dir)
		if err != nil {
			return err
		}
		if err := sameFeed(dir, p); err != nil {
			return err
		}
		if already = p.published(s); already {
			return nil
		}
		d, used, err := r.mergeInto(dir, s, p)
		if err != nil {
			return err
		}
		if _, err := d.sign(keys); err != nil {
			return err
		}
		return r.publish(dir, d, used, keys)
	})
	if err != nil {
		return false, fmt.Errorf("sign %s: %w", strings.Join(p.Roles(), ", "), err)
	}
	return already, nil
}

func (r *Repository) mergeInto(dir *os.Root, s *state, p *Pending) (*draft, []*Pending, error) {
	d := newDraft(s)
	if err := d.adopt(p); err != nil {
		return nil, nil, err
	}
	if err := d.complete(); err != nil {
		return nil, nil, err
	}
	if late := d.expired(r.now()); len(late) > 0 {
		return nil, nil, fmt.Errorf("%w: %s expired while it waited for signatures; make the change again and have that signed",
			ErrRefused, strings.Join(late, " and "))
	}
	waiting, err := r.waiting(dir, s)
	if err != nil {
		return nil, nil, err
	}
	var used []*Pending
	for _, other := range waiting {
		if !intersect(other.Roles(), p.Roles()) {
			continue
		}
		same, err := d.merge(other.d)
		if err != nil {
			return nil, nil, err
		}
		if !same {
			return nil, nil, fmt.Errorf("%s/%s.json holds another change of the same roles; have that one signed, or remove it: %w",
				pendingDir, other.Roles()[0], ErrStale)
		}
		used = append(used, other)
	}
	d.prune()
	return d, used, nil
}

// complete tells whether everything that must be signed anew under the draft's keys is in it.
func (d *draft) complete() error {
	roles := []string{metadata.TARGETS}
	for _, role := range delegated(&d.top().Signed) {
		roles = append(roles, role.Name)
	}
	for _, role := range roles {
		if d.roles[role] != nil {
			continue
		}
		doc := d.current(role)
		if doc == nil || d.accepts(role, doc) != nil {
			return fmt.Errorf("%w: with it, nobody would accept %s any more", ErrRefused, role)
		}
	}
	return nil
}

func sameFeed(dir *os.Root, p *Pending) error {
	first, err := read(dir, "1.root.json")
	if err != nil {
		return err
	}
	if fingerprint(first) != p.FirstRoot() {
		return fmt.Errorf("%w: the change is for another feed", ErrRefused)
	}
	return nil
}

// rootChain reads all roots, the first one first.
func rootChain(dir *os.Root) ([]json.RawMessage, error) {
	var chain []json.RawMessage
	for {
		data, err := read(dir, versioned(metadata.ROOT, int64(len(chain)+1)))
		if errors.Is(err, fs.ErrNotExist) && len(chain) > 0 {
			return chain, nil
		}
		if err != nil {
			return nil, err
		}
		chain = append(chain, data)
	}
}

// NewestRoot is the root.json that new apps build in as their trust.
func (r *Repository) NewestRoot() ([]byte, error) {
	dir, err := os.OpenRoot(r.opts.Dir)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	chain, err := rootChain(dir)
	if err != nil {
		return nil, err
	}
	return chain[len(chain)-1], nil
}
