//go:build linux && amd64

// Package disk says what a disk may hold after a power cut.
//
// Parties: a recording of the calls that changed a folder, and whoever wants to see what is left of them when the power fails at any moment.
//
// The model. A file's bytes and permissions are on the disk once the file has been synced, a folder's names once the folder has been.
// What has not been synced may have reached the disk or not, in the order in which file systems let it happen: names in the order of the calls, up to
// any of them; bytes of a file all of them, none, or only their number, with zeros in their place. Each folder has at least the names that
// were synced.
//
// Guarantees. Two images that hold the same are told once. [Disk.Differs] holds the model to what a real file system made of the same calls.
package disk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tesseract-desktop/tesseract/e2e/killmatrix/calls"
)

// umask is what the calls are made under.
const umask = 0o022

// node is a file, a folder or a symbolic link.
type node struct {
	dir   bool
	to    string // of a symbolic link
	names map[string]*node
	past  []names // of a folder, oldest first
	sure  int     // of a folder: the time of its last sync

	mode, sureMode uint32
	data, sureData []byte
	synced         bool // data is sureData

	sums map[content]string // of what it may be; emptied when it changes
}

// names are what a folder held from a time on.
type names struct {
	from int
	held map[string]*node
}

// Disk is a folder that calls change.
type Disk struct {
	root *node
	now  int
	when []int // times at which names changed
	told map[string]bool
}

// Read makes a model of a folder as it is, everything synced. Entries that skip approves of do not count.
func Read(dir string, skip func(string) bool) (*Disk, error) {
	d := &Disk{root: folder(0o755), told: map[string]bool{}}
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(dir, p)
		if err != nil || relErr != nil || rel == "." || skip(rel) {
			return err
		}
		n, err := read(p, e)
		if err != nil {
			return err
		}
		parent, name := d.find(rel)
		parent.names[name] = n
		return nil
	})
	d.each(func(_ string, n *node) {
		if n.dir {
			n.past = []names{{0, maps.Clone(n.names)}}
		}
	})
	d.told[d.image(0, kept).key()] = true
	return d, err
}

func read(p string, e fs.DirEntry) (*node, error) {
	info, err := e.Info()
	if err != nil {
		return nil, err
	}
	mode := uint32(info.Mode().Perm())
	switch info.Mode().Type() {
	case fs.ModeDir:
		return folder(mode), nil
	case fs.ModeSymlink:
		to, err := os.Readlink(p)
		return &node{to: to}, err
	case 0:
		b, err := os.ReadFile(p)
		return &node{mode: mode, sureMode: mode, data: b, sureData: bytes.Clone(b), synced: true}, err
	}
	return nil, fmt.Errorf("%s is nothing that a model has", p)
}

func folder(mode uint32) *node {
	return &node{dir: true, mode: mode, sureMode: mode, names: map[string]*node{}}
}

// find returns the folder that a path lies in, nil where there is none, and its last element.
func (d *Disk) find(p string) (*node, string) {
	dir, name := path.Split(path.Clean(p))
	n := d.root
	for part := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		if part == "" {
			continue
		}
		if n = n.names[part]; n == nil || !n.dir {
			return nil, ""
		}
	}
	return n, name
}

func (d *Disk) node(p string) *node {
	if p == "." {
		return d.root
	}
	parent, name := d.find(p)
	if parent == nil {
		return nil
	}
	return parent.names[name]
}

// Apply does what a call did that succeeded.
func (d *Disk) Apply(c *calls.Call) error {
	d.now++
	switch c.Kind {
	case calls.Open:
		return d.open(c)
	case calls.Mkdir:
		made := folder(c.Mode & 0o777 &^ umask)
		made.past = []names{{d.now, map[string]*node{}}}
		return d.name(c.Path, made)
	case calls.Symlink:
		return d.name(c.To, &node{to: c.Path})
	case calls.Unlink:
		return d.name(c.Path, nil)
	case calls.Rename:
		return d.rename(c)
	case calls.Other:
		return nil
	}
	n := d.node(c.Path)
	if n == nil {
		if strings.HasSuffix(c.Path, " (deleted)") {
			return nil
		}
		return fmt.Errorf("the model has no %s", c.Path)
	}
	switch c.Kind {
	case calls.Link:
		return d.name(c.To, n)
	case calls.Mode:
		n.mode, n.sums = c.Mode&0o777, nil
	case calls.Write:
		n.write(c)
	case calls.Truncate:
		n.resize(c.Size)
	case calls.Sync:
		n.sync(d.now)
	}
	return nil
}

func (d *Disk) open(c *calls.Call) error {
	n := d.node(c.Path)
	switch {
	case n == nil && c.Flags&unix.O_CREAT != 0:
		return d.name(c.Path, &node{mode: c.Mode & 0o777 &^ umask, sureMode: c.Mode & 0o777 &^ umask, synced: true})
	case n == nil:
		return fmt.Errorf("the model has no %s", c.Path)
	case c.Flags&unix.O_TRUNC != 0:
		n.resize(0)
	}
	return nil
}

// name makes a path lead to a node, or to nothing.
func (d *Disk) name(p string, n *node) error {
	parent, name := d.find(p)
	if parent == nil {
		return fmt.Errorf("the model has no folder for %s", p)
	}
	if n == nil {
		delete(parent.names, name)
	} else {
		parent.names[name] = n
	}
	d.changed(parent)
	return nil
}

func (d *Disk) rename(c *calls.Call) error {
	from, name := d.find(c.Path)
	to, other := d.find(c.To)
	if from == nil || to == nil || from.names[name] == nil {
		return fmt.Errorf("the model cannot rename %s to %s", c.Path, c.To)
	}
	moved, there := from.names[name], to.names[other]
	if moved == there {
		return nil // two names of one file: nothing happens
	}
	delete(from.names, name)
	if c.Flags&unix.RENAME_EXCHANGE != 0 {
		from.names[name] = there
	}
	to.names[other] = moved
	d.changed(from)
	if to != from {
		d.changed(to)
	}
	return nil
}

func (d *Disk) changed(dir *node) {
	dir.past = append(dir.past, names{d.now, maps.Clone(dir.names)})
	d.when = append(d.when, d.now)
}

func (n *node) write(c *calls.Call) {
	data := c.Data[:min(int64(len(c.Data)), c.Result)]
	if end := c.Offset + int64(len(data)); end > int64(len(n.data)) {
		n.resize(end)
	}
	copy(n.data[c.Offset:], data)
	n.synced, n.sums = false, nil
}

func (n *node) resize(size int64) {
	if size < int64(len(n.data)) {
		n.data = n.data[:size]
	}
	n.data = append(n.data, make([]byte, size-int64(len(n.data)))...)
	n.synced, n.sums = false, nil
}

func (n *node) sync(now int) {
	n.sureMode, n.sums = n.mode, nil
	if n.dir {
		n.sure = now
		return
	}
	n.sureData, n.synced = bytes.Clone(n.data), true
}

// at is what a folder held at a time, or at its last sync where that was later.
func (n *node) at(time int) map[string]*node {
	time = max(time, n.sure)
	for _, p := range slices.Backward(n.past) {
		if p.from <= time {
			return p.held
		}
	}
	return nil
}

// content is what became of bytes that were not synced.
type content int

const (
	kept   content = iota // they reached the disk
	lost                  // they did not
	zeroed                // only their number did
)

func (n *node) bytes(c content) ([]byte, uint32) {
	switch {
	case c == kept || n.synced && n.mode == n.sureMode:
		return n.data, n.mode
	case c == lost:
		return n.sureData, n.sureMode
	}
	b := make([]byte, len(n.data))
	copy(b, n.sureData)
	return b, n.sureMode
}

// sum names what a node may be.
func (n *node) sum(c content) string {
	if s, ok := n.sums[c]; ok {
		return s
	}
	b, mode := n.bytes(c)
	hash := sha256.Sum256(b)
	s := fmt.Sprintf("%o %s %v %s", mode, n.to, n.dir, hex.EncodeToString(hash[:]))
	if n.sums == nil {
		n.sums = map[content]string{}
	}
	n.sums[c] = s
	return s
}

// each calls do with everything there is now.
func (d *Disk) each(do func(p string, n *node)) {
	walk(d.root, ".", func(n *node) map[string]*node { return n.names }, do)
}

func walk(n *node, p string, held func(*node) map[string]*node, do func(string, *node)) {
	do(p, n)
	inside := held(n)
	for _, name := range slices.Sorted(maps.Keys(inside)) {
		walk(inside[name], path.Join(p, name), held, do)
	}
}

// Image is what the disk may hold.
type Image struct {
	content content
	names   []string
	nodes   []*node
}

func (d *Disk) image(time int, c content) *Image {
	i := &Image{content: c}
	walk(d.root, ".", func(n *node) map[string]*node { return n.at(time) }, func(p string, n *node) {
		i.names, i.nodes = append(i.names, p), append(i.nodes, n)
	})
	return i
}

func (i *Image) key() string {
	sum := sha256.New()
	for n, name := range i.names {
		fmt.Fprintf(sum, "%s\n%s\n", name, i.nodes[n].sum(i.content))
	}
	return string(sum.Sum(nil))
}

// Images tells what the disk may hold if the power fails now, unless it was told before. An image is good until the next call of Apply.
func (d *Disk) Images(tell func(*Image) error) error {
	for _, c := range []content{kept, lost, zeroed} {
		for _, time := range append([]int{0}, d.when...) {
			i := d.image(time, c)
			key := i.key()
			if d.told[key] {
				continue
			}
			d.told[key] = true
			if err := tell(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// Write makes an empty folder hold the image.
func (i *Image) Write(dir string) error {
	made := map[*node]string{}
	for n, name := range i.names {
		p, what := filepath.Join(dir, name), i.nodes[n]
		if err := i.write(p, what, made); err != nil {
			return err
		}
		made[what] = p
	}
	return nil
}

func (i *Image) write(p string, n *node, made map[*node]string) error {
	b, mode := n.bytes(i.content)
	switch {
	case n.dir && p != filepath.Dir(p) && made[n] == "":
		if err := os.MkdirAll(p, 0o700); err != nil {
			return err
		}
		return os.Chmod(p, fs.FileMode(mode))
	case n.to != "":
		return os.Symlink(n.to, p)
	case made[n] != "":
		return os.Link(made[n], p)
	}
	if err := os.WriteFile(p, b, 0o600); err != nil {
		return err
	}
	return os.Chmod(p, fs.FileMode(mode))
}

// Differs compares the model with the folder that the calls have changed.
func (d *Disk) Differs(dir string, skip func(string) bool) error {
	real, err := Read(dir, skip)
	if err != nil {
		return err
	}
	list := func(d *Disk) (all []string) {
		d.each(func(p string, n *node) {
			if p != "." {
				all = append(all, p+" "+n.sum(kept))
			}
		})
		return all
	}
	model, disk := list(d), list(real)
	for _, line := range model {
		if !slices.Contains(disk, line) {
			return fmt.Errorf("the model has %s, the disk has not:\n%s", line, strings.Join(disk, "\n"))
		}
	}
	if len(model) != len(disk) {
		return fmt.Errorf("the model has %d entries, the disk %d:\n%s", len(model), len(disk), strings.Join(disk, "\n"))
	}
	return nil
}
