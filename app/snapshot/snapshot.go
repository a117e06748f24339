// Package snapshot keeps recorded UI state: a journal of opaque records, each with the version of the
// schema that wrote it.
//
// Parties: the app's page, which captures and restores; the process that runs now; the one of another
// version that ran before it, stands by it or will take over. They share one folder.
//
// Trust: a payload is never looked into. What is read back is what was appended, or it is not handed out: each
// record carries its length and a checksum, which finds accidents, not forgeries by the user's own programs.
//
// Guarantees: when Append returns nil, the record survives a crash and a power cut, and Newest finds it, in this
// process and in others. Readers wait only where they find nothing, and never see a part of a record. The two newest records of every
// schema are kept, so that a version that comes back after a rollback finds state that it can read, and a
// damaged record gives way to the one before it.
//
// A crash leaves whole records, one more than are kept at most.
//
// Records are files of their own: a full disk costs the new record only, and damage to one cannot reach another.
package snapshot

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
)

// MaxSize is the largest payload in bytes.
const MaxSize = 64 << 20

// keep is how many records stay for each schema: the newest, and the one before it should that be damaged.
const keep = 2

// ErrTooLarge marks a payload of more than MaxSize bytes. Nothing was written.
var ErrTooLarge = errors.New("snapshot is too large")

// Record describes one snapshot.
type Record struct {
	Seq    uint64    // grows with every Append, over all schemas and processes
	Schema int       // of the app version that wrote it
	At     time.Time // when it was appended; for people, the order is in Seq
	Size   int64     // of the payload, in bytes
}

// Store is the journal in one folder. It is safe for use by several goroutines, and by several processes at once.
type Store struct {
	folder *sandbox.Folder
	schema int
}

// Open returns the journal in folder, in which this app writes records of the given schema (0 or more).
// A folder that cannot be used now is reported by the operations, not by Open.
func Open(folder *sandbox.Folder, schema int) (*Store, error) {
	if folder == nil {
		return nil, errors.New("open snapshots: no folder given")
	}
	if schema < 0 || schema > maxSchema {
		return nil, fmt.Errorf("open snapshots: schema %d is not between 0 and %d", schema, maxSchema)
	}
	return &Store{folder: folder, schema: schema}, nil
}

// Append records payload durably and forgets records that are no longer needed.
func (s *Store) Append(payload []byte) (Record, error) {
	if len(payload) > MaxSize {
		return Record{}, fmt.Errorf("append snapshot of %d bytes: %w: at most %d", len(payload), ErrTooLarge, MaxSize)
	}
	record := Record{Schema: s.schema, At: time.Now().Round(0), Size: int64(len(payload))}
	err := s.folder.Exclusive(func() error {
		names, err := s.names()
		if err != nil {
			return err
		}
		for _, n := range names {
			record.Seq = max(record.Seq, n.seq)
		}
		record.Seq++
		own := name{seq: record.Seq, schema: record.Schema}
		if err := s.folder.WriteFile(own.String(), encode(record, payload)); err != nil {
			return err
		}
		s.prune(append(names, own))
		return nil
	})
	if err != nil {
		return Record{}, fmt.Errorf("append snapshot: %w", err)
	}
	return record, nil
}

// prune may fail without harm: the next Append tries again.
func (s *Store) prune(names []name) {
	newestFirst(names)
	kept := map[int]int{}
	for _, n := range names {
		if kept[n.schema]++; kept[n.schema] <= keep {
			continue
		}
		if err := s.folder.Remove(n.String()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.folder.Log().Warn("old snapshot stays", "name", n.String(), "err", err)
		}
	}
}

// Newest returns the newest record that a version with this schema can read: of its own schema or a lower one,
// which it migrates up, whichever was written last. Where there is none, it returns the newest of a higher one,
// which a version after a rollback may know how to migrate down. The bool is false when there is nothing
// readable. Damaged records are passed over and logged.
func (s *Store) Newest(schema int) (Record, []byte, bool, error) {
	// Between listing and reading, a record may be pruned by another process: then there is a newer one.
	for range 10 {
		record, payload, ok, err := s.newest(schema)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err == nil && !ok:
			return s.newestAlone(schema)
		default:
			return record, payload, ok, err
		}
	}
	return Record{}, nil, false, errors.New("read newest snapshot: records vanish faster than they can be read")
}

// newestAlone looks once more with writers kept out: a listing made while they add and prune may miss every record. Where
// the folder cannot be locked nobody writes there either.
func (s *Store) newestAlone(schema int) (record Record, payload []byte, ok bool, err error) {
	if lockErr := s.folder.Exclusive(func() error {
		record, payload, ok, err = s.newest(schema)
		return nil
	}); lockErr != nil {
		return s.newest(schema)
	}
	return record, payload, ok, err
}

func (s *Store) newest(schema int) (Record, []byte, bool, error) {
	names, err := s.names()
	if err != nil {
		return Record{}, nil, false, fmt.Errorf("read newest snapshot: %w", err)
	}
	newestFirst(names)
	slices.SortStableFunc(names, func(a, b name) int {
		return cmp.Compare(above(a.schema, schema), above(b.schema, schema))
	})
	for _, n := range names {
		data, err := s.folder.ReadFile(n.String(), headerSize+MaxSize)
		var record Record
		var payload []byte
		if err == nil {
			record, payload, err = decode(data)
		}
		if err == nil && (record.Seq != n.seq || record.Schema != n.schema) {
			err = fmt.Errorf("%w: it is that of another name", errDamaged)
		}
		switch {
		case err == nil:
			return record, payload, true, nil
		case errors.Is(err, errDamaged), errors.Is(err, sandbox.ErrTooLarge), errors.Is(err, sandbox.ErrNotPlain):
			s.folder.Log().Warn("snapshot is passed over", "name", n.String(), "err", err)
		default:
			return Record{}, nil, false, fmt.Errorf("read newest snapshot: %w", err)
		}
	}
	return Record{}, nil, false, nil
}

func above(schema, limit int) int {
	if schema > limit {
		return 1
	}
	return 0
}

// names lists the records, in no order.
func (s *Store) names() ([]name, error) {
	entries, err := s.folder.List(".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // a sandbox that is read only makes no folder
	}
	if err != nil {
		return nil, err
	}
	var names []name
	for _, e := range entries {
		if n, ok := parseName(e.Name()); ok {
			names = append(names, n)
		}
	}
	return names, nil
}

func newestFirst(names []name) {
	slices.SortFunc(names, func(a, b name) int { return cmp.Compare(b.seq, a.seq) })
}
