// helm-render renders a chart the way `helm template` does: Go's text/template, the Sprig functions, and Helm's own
// include, tpl, required, fail, toYaml, fromYaml, toJson, fromJson and lookup (which finds nothing, as without a cluster).
//
//	helm-render CHART [-n namespace] [-r release] [-f values.yaml]... [--set a.b=c]... [--api group/version]... [--show manifests|notes|values]
//
// `manifests` prints every template but the notes, in the order of their names, each under its source; `notes` prints
// NOTES.txt; `values` prints the values that templates would see, as JSON. A template that fails, or prints what is not
// YAML, ends it with 1 and a line on stderr.
//
// It knows no sub-charts, and does not check values against values.schema.json: scripts/chart.mjs does.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

const kubeVersion = "v1.33.0"

type object = map[string]interface{}

// request is what the command line asks for.
type request struct {
	chart, namespace, release, show string
	values                          object
	apis                            apiVersions
}

func main() {
	req, err := parse(os.Args[1:])
	if err == nil {
		err = run(req)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "helm-render: %v\n", err)
		os.Exit(1)
	}
}

func parse(args []string) (request, error) {
	req := request{namespace: "default", release: "release-name", show: "manifests", apis: apiVersions{}}
	if len(args) == 0 {
		return req, errors.New("name a chart")
	}
	req.chart = args[0]
	var err error
	if req.values, err = load(filepath.Join(req.chart, "values.yaml")); err != nil {
		return req, err
	}
	for i := 1; i < len(args); i += 2 {
		if i+1 == len(args) {
			return req, fmt.Errorf("%s needs a value", args[i])
		}
		if err := req.take(args[i], args[i+1]); err != nil {
			return req, err
		}
	}
	return req, nil
}

func (req *request) take(option, value string) error {
	switch option {
	case "-n":
		req.namespace = value
	case "-r":
		req.release = value
	case "--api":
		req.apis[value] = true
	case "--show":
		req.show = value
	case "-f":
		more, err := load(value)
		if err != nil {
			return err
		}
		merge(req.values, more)
	case "--set":
		return set(req.values, value)
	default:
		return fmt.Errorf("unknown option %s", option)
	}
	return nil
}

func run(req request) error {
	if req.show == "values" {
		text, err := json.Marshal(req.values)
		fmt.Println(string(text))
		return err
	}
	root, files, err := parseTemplates(req)
	if err != nil {
		return err
	}
	chart, err := load(filepath.Join(req.chart, "Chart.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		name := filepath.Base(file)
		isNotes := name == "NOTES.txt"
		if strings.HasPrefix(name, "_") || isNotes != (req.show == "notes") {
			continue
		}
		text, err := render(root, file, context(req, chart, file))
		if err != nil {
			return err
		}
		if text == "" {
			continue
		}
		if isNotes {
			fmt.Println(text)
			continue
		}
		if err := checkYaml(text); err != nil {
			return fmt.Errorf("%s does not render to YAML: %v\n%s", file, err, text)
		}
		source := strings.TrimPrefix(file, filepath.Dir(req.chart)+string(filepath.Separator))
		fmt.Printf("---\n# Source: %s\n%s\n", source, text)
	}
	return nil
}

func parseTemplates(req request) (*template.Template, []string, error) {
	root := template.New("chart").Option("missingkey=zero")
	root.Funcs(functions(root))
	var files []string
	err := filepath.WalkDir(filepath.Join(req.chart, "templates"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	sort.Strings(files)
	for _, file := range files {
		if err != nil {
			break
		}
		var text []byte
		if text, err = os.ReadFile(file); err == nil {
			_, err = root.New(file).Parse(string(text))
		}
	}
	return root, files, err
}

func render(root *template.Template, file string, data object) (string, error) {
	var out bytes.Buffer
	if err := root.ExecuteTemplate(&out, file, data); err != nil {
		return "", err
	}
	return strings.TrimSpace(withoutNoValue(out.String())), nil
}

// context is what a template sees, as Helm names it.
func context(req request, chart object, file string) object {
	titled := object{}
	for key, value := range chart {
		titled[strings.ToUpper(key[:1])+key[1:]] = value
	}
	return object{
		"Values": req.values,
		"Chart":  titled,
		"Release": object{
			"Name": req.release, "Namespace": req.namespace, "Service": "Helm",
			"IsInstall": true, "IsUpgrade": false, "Revision": 1,
		},
		"Template": object{"Name": file, "BasePath": filepath.Join(req.chart, "templates")},
		"Capabilities": object{
			"KubeVersion": object{"Version": kubeVersion, "Major": "1", "Minor": "33"},
			"APIVersions": req.apis,
		},
		"Files": chartFiles{req.chart},
	}
}

func functions(root *template.Template) template.FuncMap {
	funcs := sprig.TxtFuncMap()
	// Helm takes these away: a chart must not depend on the machine that renders it.
	delete(funcs, "env")
	delete(funcs, "expandenv")
	funcs["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	funcs["fromYaml"] = func(text string) (object, error) {
		value := object{}
		return value, yaml.Unmarshal([]byte(text), &value)
	}
	funcs["toJson"] = func(value interface{}) (string, error) {
		text, err := json.Marshal(value)
		return string(text), err
	}
	funcs["fromJson"] = func(text string) (object, error) {
		value := object{}
		return value, json.Unmarshal([]byte(text), &value)
	}
	funcs["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	funcs["lookup"] = func(string, string, string, string) object { return object{} }
	funcs["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := root.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	funcs["tpl"] = func(text string, data interface{}) (string, error) {
		clone, err := root.Clone()
		if err != nil {
			return "", err
		}
		parsed, err := clone.New("tpl").Parse(text)
		if err != nil {
			return "", err
		}
		var out bytes.Buffer
		err = parsed.Execute(&out, data)
		return withoutNoValue(out.String()), err
	}
	return funcs
}

func load(path string) (object, error) {
	values := object{}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("%s: %v", path, err)
	}
	return values, nil
}

// merge lays values over others: maps by key, all else whole; null takes a key away.
func merge(into, over object) {
	for key, value := range over {
		if value == nil {
			delete(into, key)
			continue
		}
		more, isMap := value.(object)
		known, wasMap := into[key].(object)
		if isMap && wasMap {
			merge(known, more)
		} else {
			into[key] = value
		}
	}
}

func set(values object, expression string) error {
	path, text, isPair := strings.Cut(expression, "=")
	if !isPair {
		return fmt.Errorf("--set wants key=value, got %q", expression)
	}
	var value interface{}
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return fmt.Errorf("--set %s: %v", path, err)
	}
	keys := strings.Split(path, ".")
	for i := len(keys) - 1; i >= 0; i-- {
		value = object{keys[i]: value}
	}
	merge(values, value.(object))
	return nil
}

// checkYaml is what a cluster would do first.
func checkYaml(text string) error {
	for _, document := range strings.Split(text, "\n---") {
		var value interface{}
		if err := yaml.UnmarshalStrict([]byte(document), &value); err != nil {
			return err
		}
	}
	return nil
}

// withoutNoValue drops what text/template prints for a missing value, as Helm does.
func withoutNoValue(text string) string {
	return strings.ReplaceAll(text, "<no value>", "")
}

type apiVersions map[string]bool

func (versions apiVersions) Has(version string) bool { return versions[version] }

type chartFiles struct{ folder string }

// Get is empty for a file that is not there, as in Helm.
func (files chartFiles) Get(name string) string {
	text, err := os.ReadFile(filepath.Join(files.folder, name))
	if err != nil {
		return ""
	}
	return string(text)
}
