package doctor

import "fmt"

// Hinders tells whether an update is impossible because of this.
func (f Finding) Hinders() bool { return f.Code != AppImage }

// Sentence says what was found, in English.
func (f Finding) Sentence() string {
	switch f.Code {
	case Flatpak:
		return "This program is a Flatpak, which keeps its programs current itself."
	case Snap:
		return "This program is a snap, which snapd keeps current."
	case Packaged:
		return fmt.Sprintf("%s belongs to the package %s, which %s keeps current.", f.Path, f.Package, f.Manager)
	case Translocated:
		return "macOS runs this program from a temporary copy, because it has never been moved since it was downloaded."
	case Image:
		return fmt.Sprintf("The program lies in a mounted image, %s, where nothing can be changed.", f.Path)
	case ReadOnly:
		return fmt.Sprintf("The program's folder, %s, cannot be written.", f.Path)
	case NotYours:
		return fmt.Sprintf("%s belongs to %s, and you may not change it.", f.Path, f.owner())
	case AppImage:
		return fmt.Sprintf("The program runs from the AppImage %s, which is what gets updated.", f.Path)
	}
	return ""
}

// Remedy says what to do about it, in English.
func (f Finding) Remedy() string {
	switch f.Code {
	case Flatpak, Snap, Packaged:
		if f.Command == "" {
			return "Update it the way it was installed."
		}
		return fmt.Sprintf("To update it, run: %s", f.Command)
	case Translocated:
		return "Quit it, move it in the Finder, for instance to Applications, and open it from there."
	case Image:
		return "Copy the program from the image to a folder of yours, and start it from there."
	case ReadOnly:
		return "Make the folder writable, or move the program to a folder of yours."
	case NotYours:
		return fmt.Sprintf("Move the program to a folder of yours, or have %s update it.", f.owner())
	case AppImage:
		return "Nothing needs to be done."
	}
	return ""
}

func (f Finding) owner() string {
	if f.Owner == "" {
		return "another user"
	}
	return f.Owner
}

// Params are the finding's details under the names that a translated sentence may use; those that are empty are left out.
func (f Finding) Params() map[string]string {
	all := map[string]string{"path": f.Path, "manager": f.Manager, "package": f.Package, "command": f.Command, "owner": f.Owner}
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	return all
}
