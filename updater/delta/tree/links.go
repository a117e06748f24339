package tree

import (
	"fmt"
	"path"
	"strings"
)

const (
	maxHops  = 16      // links that follow one another
	maxSteps = 1 << 20 // path elements looked at for all links of a tree
)

func checkTarget(target string) error {
	if target == "" || len(target) > MaxPath {
		return fmt.Errorf("a link's target of %d bytes: 1 to %d", len(target), MaxPath)
	}
	for name := range strings.SplitSeq(target, "/") {
		if name == ".." {
			continue
		}
		if err := checkName(name); err != nil {
			return fmt.Errorf("a link to %q: %w", clip(target), err)
		}
	}
	return nil
}

// index finds a tree's entries by path.
type index struct {
	entries []Entry
	at      map[string]int
}

func (known index) get(path string) Entry {
	if n, ok := known.at[path]; ok {
		return known.entries[n]
	}
	return Entry{}
}

func (known index) kind(path string) Kind { return known.get(path).Kind }

// checkLinks follows every link as the system would.
func (known index) checkLinks() error {
	steps := 0
	for _, e := range known.entries {
		if e.Kind != Link {
			continue
		}
		if err := known.follow(e, &steps); err != nil {
			return unfit("%q, a link to %q: %v", clip(e.Path), clip(e.Target), err)
		}
	}
	return nil
}

// follow walks from a link to the entry that it leads to. Every link met is spliced into the way that is left, so that
// ".." means the folder above where the link leads, as it does to the system.
func (known index) follow(link Entry, steps *int) error {
	// By its text alone it must stay inside too, for whatever reads links without following others.
	if plain := path.Join(path.Dir(link.Path), link.Target); plain == ".." || strings.HasPrefix(plain, "../") {
		return fmt.Errorf("it leaves the tree")
	}
	at, way, hops := path.Dir(link.Path), strings.Split(link.Target, "/"), 1
	for len(way) > 0 {
		name := way[0]
		way = way[1:]
		if *steps++; *steps > maxSteps {
			return fmt.Errorf("the tree's links take more than %d steps to follow", maxSteps)
		}
		if name == ".." {
			if at == "." {
				return fmt.Errorf("it leaves the tree")
			}
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, name)
		switch e := known.get(next); {
		case e.Kind == Link:
			if hops++; hops > maxHops {
				return fmt.Errorf("it leads through more than %d links, or around in a circle", maxHops)
			}
			way = append(strings.Split(e.Target, "/"), way...)
		case e.Kind == Folder, e.Kind == File && len(way) == 0:
			at = next
		default:
			return fmt.Errorf("there is no %q in the tree", clip(next))
		}
	}
	return nil
}
