package durable

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"
)

// A record is: length of the payload (4 bytes, little endian), CRC-32C of those 4 bytes and the payload
// (4 bytes, little endian), payload. Covering the length makes a run of zeros, which a power cut can leave
// at a file's end, an invalid record.
const recordHeader = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrRecord says that a record is empty or longer than the log's limit.
var ErrRecord = errors.New("record is empty or too long")

// ErrDamaged marks a record in the middle of a log whose bytes changed after they were written.
var ErrDamaged = errors.New("record is damaged")

// Log is a file of records that only grows. It may be used by several goroutines and by several processes
// in turn: every Append opens the file, locks it, appends, syncs and closes.
type Log struct {
	root *os.Root
	name string
	perm fs.FileMode
	max  int

	mu   sync.Mutex
	seen os.FileInfo // the file as the last Append left it: while it is the same, its end needs no check
}

// OpenLog opens or creates the log name and cuts an unfinished last record off. A record holds at most
// maxRecord bytes. The file name+".lock" is created beside it and stays.
func OpenLog(root *os.Root, name string, perm fs.FileMode, maxRecord int) (*Log, error) {
	if maxRecord <= 0 {
		return nil, fmt.Errorf("open log %s: limit of %d bytes: %w", name, maxRecord, ErrRecord)
	}
	l := &Log{root: root, name: filepath.Clean(name), perm: perm, max: maxRecord}
	err := l.locked(func() error {
		f, _, err := l.openEnd()
		if err != nil {
			return err
		}
		return f.Close()
	})
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", name, err)
	}
	return l, nil
}

// Append adds one record. When it returns nil the record survives a power cut; when it returns an error
// the log ends where it ended before.
func (l *Log) Append(payload []byte) error {
	if len(payload) == 0 || len(payload) > l.max {
		return fmt.Errorf("append %d bytes to log %s: %w", len(payload), l.name, ErrRecord)
	}
	err := l.locked(func() error {
		f, end, err := l.openEnd()
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err = f.WriteAt(frame(payload), end); err == nil {
			err = f.Sync()
		}
		if err != nil {
			return errors.Join(err, f.Truncate(end))
		}
		l.seen, err = f.Stat()
		return err
	})
	if err != nil {
		return fmt.Errorf("append to log %s: %w", l.name, err)
	}
	return nil
}

// Records yields the payloads, oldest first, as they were when the loop began; an unfinished last record is
// left out. A damaged record in the middle yields [ErrDamaged] and the loop goes on; any other error ends it.
// The payload belongs to the caller.
func (l *Log) Records() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		f, err := l.root.Open(l.name)
		if err != nil {
			yield(nil, fmt.Errorf("read log %s: %w", l.name, err))
			return
		}
		defer f.Close()
		if _, err := scan(f, l.max, yield); err != nil {
			yield(nil, fmt.Errorf("read log %s: %w", l.name, err))
		}
	}
}

// Compact rewrites the log with the records that keep approves of, in their order, and without damaged ones.
// The old log stays until the new one is whole. keep must not use the log.
func (l *Log) Compact(keep func(payload []byte) bool) error {
	err := l.locked(func() error {
		out, err := Create(l.root, l.name, l.perm)
		if err != nil {
			return err
		}
		defer out.Abort()
		for payload, err := range l.Records() {
			switch {
			case errors.Is(err, ErrDamaged):
			case err != nil:
				return err
			case keep(payload):
				if _, err := out.Write(frame(payload)); err != nil {
					return err
				}
			}
		}
		return out.Commit()
	})
	if err != nil {
		return fmt.Errorf("compact log %s: %w", l.name, err)
	}
	return nil
}

func (l *Log) locked(do func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	lock, err := Acquire(l.root, l.name+".lock")
	if err != nil {
		return err
	}
	defer lock.Release()
	return do()
}

// openEnd returns the file and the offset where the next record goes, with everything unfinished behind it cut off.
func (l *Log) openEnd() (*os.File, int64, error) {
	f, err := l.root.OpenFile(l.name, os.O_RDWR, l.perm)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = l.root.OpenFile(l.name, os.O_RDWR|os.O_CREATE, l.perm)
	}
	if err != nil {
		return nil, 0, err
	}
	end, err := l.cut(f)
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, end, nil
}

func (l *Log) cut(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() == 0 { // it is new, and whoever made it may have died before its name was durable
		return 0, errors.Join(f.Sync(), SyncDir(l.root, filepath.Dir(l.name)))
	}
	if l.seen != nil && os.SameFile(l.seen, info) && l.seen.Size() == info.Size() {
		return info.Size(), nil
	}
	end, err := scan(f, l.max, func([]byte, error) bool { return true })
	if err != nil || end == info.Size() {
		return end, err
	}
	return end, errors.Join(f.Truncate(end), f.Sync())
}

func frame(payload []byte) []byte {
	b := make([]byte, recordHeader, recordHeader+len(payload))
	binary.LittleEndian.PutUint32(b, uint32(len(payload)))
	b = append(b, payload...)
	binary.LittleEndian.PutUint32(b[4:], checksum(b))
	return b
}

func checksum(record []byte) uint32 {
	return crc32.Update(crc32.Checksum(record[:4], castagnoli), castagnoli, record[recordHeader:])
}

// scan yields every record of f and returns the offset behind the last one. A record with a wrong checksum that
// good ones follow was damaged later: it is yielded as ErrDamaged. Where none follows, an append did not
// finish, and the log ends before it.
func scan(f *os.File, limit int, yield func([]byte, error) bool) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size := info.Size()
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, size), 64<<10)
	var end, at int64 // end: behind the last good record; at: behind the last one read
	damaged := 0
	for {
		record, err := readRecord(r, size-at, limit)
		if err != nil {
			return end, err
		}
		if record == nil {
			return end, nil
		}
		at += int64(len(record))
		if binary.LittleEndian.Uint32(record[4:]) != checksum(record) {
			damaged++
			continue
		}
		for ; damaged > 0; damaged-- {
			if !yield(nil, ErrDamaged) {
				return end, nil
			}
		}
		end = at
		if !yield(record[recordHeader:], nil) {
			return end, nil
		}
	}
}

// readRecord returns the next record with its header, nil where the rest is no whole record.
func readRecord(r io.Reader, left int64, limit int) ([]byte, error) {
	if left < recordHeader {
		return nil, nil
	}
	var header [recordHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(header[:]))
	if n == 0 || n > int64(limit) || n > left-recordHeader {
		return nil, nil
	}
	record := make([]byte, recordHeader+n)
	copy(record, header[:])
	if _, err := io.ReadFull(r, record[recordHeader:]); err != nil {
		return nil, err
	}
	return record, nil
}
