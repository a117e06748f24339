package tree

import (
	"path"
	"slices"
)

// likeness finds the old file that a new one most probably came from, by name.
type likeness struct {
	old   []Entry
	at    map[string]int   // old files by path
	byExt map[string][]int // old files by extension
	stays map[string]bool  // paths that the new tree has too: what was renamed is not among them
}

func newLikeness(old Manifest, items []item) likeness {
	like := likeness{old: old.entries, at: map[string]int{}, byExt: map[string][]int{}, stays: map[string]bool{}}
	for _, i := range items {
		like.stays[i.Path] = true
	}
	for n, e := range old.entries {
		if e.Kind == File && e.Length > 0 {
			like.at[e.Path] = n
			ext := extension(e.Path)
			like.byExt[ext] = append(like.byExt[ext], n)
		}
	}
	return like
}

// to returns the number of the old file of the same path; else of the one with the same extension whose name shares the most
// bytes at both ends, at least half of the longer name's; else fresh.
func (like likeness) to(e Entry) int {
	if same, ok := like.at[e.Path]; ok {
		return same
	}
	best, most := fresh, 0
	for _, n := range like.byExt[extension(e.Path)] {
		if score := like.score(like.old[n].Path, e.Path); score > most {
			best, most = n, score
		}
	}
	return best
}

// score is 0 for names that have too little in common. Between equals, a file that was renamed comes first, then one of
// the same folder.
func (like likeness) score(old, new string) int {
	shared, longer := alike(path.Base(old), path.Base(new))
	if 2*shared < longer {
		return 0
	}
	score := 4 * shared
	if !like.stays[old] {
		score += 2
	}
	if path.Dir(old) == path.Dir(new) {
		score++
	}
	return score
}

// extension is empty where a version's number looks like one.
func extension(p string) string {
	ext := path.Ext(p)
	if len(ext) > 1 && ext[1] >= '0' && ext[1] <= '9' {
		return ""
	}
	return ext
}

// alike returns how many bytes two names share at both ends, and the length of the longer one.
func alike(a, b string) (shared, longer int) {
	shared = common([]byte(a), []byte(b))
	restA, restB := []byte(a[shared:]), []byte(b[shared:])
	slices.Reverse(restA)
	slices.Reverse(restB)
	return shared + common(restA, restB), max(len(a), len(b))
}

func common(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
