package app

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"
)

// The page calls bound methods by name. What it calls and what is bound must be the same: a method that nobody calls is a door left open.
func TestPageCallsWhatIsBound(t *testing.T) {
	source, err := os.ReadFile("../frontend/src/bridge/wails.ts")
	if err != nil {
		t.Fatal(err)
	}
	var called []string
	for _, m := range regexp.MustCompile(`call\('(\w+)', '(\w+)'`).FindAllSubmatch(source, -1) {
		called = append(called, string(m[1])+"."+string(m[2]))
	}
	var offered []string
	for _, service := range bound(&Documents{}, &Settings{}, &Updates{}, &Session{}, &Window{}) {
		kind := reflect.TypeOf(service)
		for method := range kind.Methods() {
			offered = append(offered, kind.Elem().Name()+"."+method.Name)
		}
	}
	slices.Sort(called)
	slices.Sort(offered)
	called = slices.Compact(called)
	if !slices.Equal(called, offered) {
		t.Errorf("the page calls\n%q\nbound is\n%q", called, offered)
	}
}
