package main

import (
	"fmt"
	"os"
	"sort"
	"strings"
)

type shape interface {
	area() float64
	name() string
}

type square struct{ side float64 }

func (s square) area() float64 { return s.side * s.side }
func (s square) name() string  { return "square" }

type circle struct{ radius float64 }

func (c *circle) area() float64 { return 3.14159 * c.radius * c.radius }
func (c *circle) name() string  { return "circle" }

var seen = map[string]int{"square": 1, "circle": 2}

func main() {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintln(os.Stderr, "recovered:", r)
		}
	}()
	all := []shape{square{2}, &circle{1}}
	all = append(all, more()...)
	sort.Slice(all, func(i, j int) bool { return all[i].area() < all[j].area() })
	for _, s := range all {
		seen[s.name()]++
		fmt.Printf("%-10s %8.3f\n", strings.ToUpper(s.name()), s.area())
	}
	fmt.Println(biggest(seen), version)
}

func biggest[K comparable](m map[K]int) (best K) {
	top := -1
	for k, n := range m {
		if n > top {
			best, top = k, n
		}
	}
	return best
}
