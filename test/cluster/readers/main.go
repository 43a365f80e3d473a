// What others make of an object: reads a list of objects as JSON from stdin and prints, for each, the status that kstatus computes
// (Flux, `kubectl apply --wait` of kpt) and the health that a script for Argo CD gives it, run as Argo CD runs it: with the object
// as `obj`, in the interpreter that Argo CD has. `readers SCRIPT < list.json`
package main

import (
	"encoding/json"
	"io"
	"os"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type reading struct {
	Name    string `json:"name"`
	Kstatus string `json:"kstatus"`
	Health  string `json:"health"`
	Message string `json:"message"`
}

func main() {
	script, err := os.ReadFile(os.Args[1])
	check(err)
	input, err := io.ReadAll(os.Stdin)
	check(err)
	var list unstructured.UnstructuredList
	check(list.UnmarshalJSON(input))
	readings := []reading{}
	for _, object := range list.Items {
		result, err := status.Compute(&object)
		check(err)
		health, message := healthOf(string(script), object.Object)
		readings = append(readings, reading{object.GetName(), string(result.Status), health, message})
	}
	check(json.NewEncoder(os.Stdout).Encode(readings))
}

func healthOf(script string, object map[string]any) (string, string) {
	state := lua.NewState()
	defer state.Close()
	state.SetGlobal("obj", toLua(state, object))
	check(state.DoString(script))
	answer := state.Get(-1).(*lua.LTable)
	return answer.RawGetString("status").String(), answer.RawGetString("message").String()
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case string:
		return lua.LString(value)
	case bool:
		return lua.LBool(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	case []any:
		table := state.NewTable()
		for _, each := range value {
			table.Append(toLua(state, each))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for name, each := range value {
			table.RawSetString(name, toLua(state, each))
		}
		return table
	default:
		return lua.LNil
	}
}

func check(err error) {
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}
