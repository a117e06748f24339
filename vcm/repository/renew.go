package repository

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Renew signs again each role of which half the lifetime has passed and whose
// keys at hand suffice, and returns their names. Other roles are left alone.
func (r *Repository) Renew(ctx context.Context, keys Keys) (renewed []string, err error) {
	err = r.locked(func(dir *os.Root) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := loadState(dir)
		if err != nil {
			return err
		}
		waiting, err := r.waiting(dir, s)
		if err != nil {
			return err
		}
		d, names, err := r.dueDraft(s, waiting, keys)
		if err != nil || len(names) == 0 {
			return err
		}
		if err := d.settle(r.now(), r.opts.Lifetimes); err != nil {
			return err
		}
		if _, err := d.sign(keys); err != nil {
			return err
		}
		if err := r.commit(dir, d, keys, slices.Contains(names, metadata.SNAPSHOT)); err != nil {
			return err
		}
		renewed = names
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("renew metadata: %w", err)
	}
	return renewed, nil
}

// dueDraft holds what is to be renewed and can be. Offline roles for whose next document people are being asked for
// signatures are left to them.
func (r *Repository) dueDraft(s *state, waiting []*Pending, keys Keys) (*draft, []string, error) {
	d := newDraft(s)
	var names []string
	for _, role := range r.status(s) {
		asked := !online(role.Name) && slices.ContainsFunc(waiting, func(p *Pending) bool { return slices.Contains(p.Roles(), role.Name) })
		if !role.Due || asked {
			continue
		}
		can, err := newDraft(s).able(role.Name, keys)
		if err != nil {
			return nil, nil, err
		}
		if !can {
			// Offline keys may be elsewhere, or with several people. A server whose own keys do not fit must hear of it.
			if signers, _ := atHand(keys, role.Name); len(signers) > 0 && online(role.Name) {
				return nil, nil, fmt.Errorf("%s: the keys at hand are not those that the feed names: %w", role.Name, ErrUnsigned)
			}
			continue
		}
		if role.Name != metadata.SNAPSHOT && role.Name != metadata.TIMESTAMP {
			if err := d.again(role.Name); err != nil {
				return nil, nil, err
			}
		}
		names = append(names, role.Name)
	}
	return d, names, nil
}

// Role is what is signed for a role at present.
type Role struct {
	Name      string    `json:"name"`
	Version   int64     `json:"version"`
	Expires   time.Time `json:"expires"`
	Due       bool      `json:"due"`       // to be renewed: half of its lifetime has passed
	Keys      []string  `json:"keys"`      // ids of those that may sign
	Threshold int       `json:"threshold"` // how many of them must
}

// Status lists all roles, root first and timestamp last.
func (r *Repository) Status() ([]Role, error) {
	s, err := r.load()
	if err != nil {
		return nil, err
	}
	return r.status(s), nil
}

// Authorities names the keys of every role, by the roots and, as far as it can be read, the targets in the folder. It
// works where snapshot and timestamp are ruined, too, which [Repository.Rekey] mends.
func (r *Repository) Authorities() (map[string][]string, error) {
	s, err := r.load()
	if err != nil {
		dir, openErr := os.OpenRoot(r.opts.Dir)
		if openErr != nil {
			return nil, openErr
		}
		defer dir.Close()
		salvaged, salvageErr := salvage(dir)
		if salvageErr != nil {
			return nil, errors.Join(err, salvageErr)
		}
		s = salvaged
	}
	named := map[string][]string{}
	for _, role := range s.status() {
		named[role.Name] = role.Keys
	}
	return named, nil
}

// status marks what is due: half of its lifetime has passed.
func (r *Repository) status(s *state) []Role {
	list := s.status()
	for i, role := range list {
		list[i].Due = r.opts.Now().After(role.Expires.Add(-r.opts.Lifetimes.of(role.Name) / 2))
	}
	return list
}

// online tells whether an unattended server may hold keys of the role.
func online(role string) bool {
	return role == metadata.SNAPSHOT || role == metadata.TIMESTAMP || strings.HasSuffix(role, "-rollout")
}
