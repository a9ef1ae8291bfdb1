// A stand-in for the provider Mongey/kafka 0.12, which no registry of modules serves: the arguments that its documents
// name, and no client. It is enough to validate and to plan.
package main

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-plugin-sdk/v2/plugin"
)

type arguments = map[string]*schema.Schema

func argument(kind schema.ValueType, required bool) *schema.Schema {
	found := &schema.Schema{Type: kind, Required: required, Optional: !required}
	if kind == schema.TypeList || kind == schema.TypeMap {
		found.Elem = &schema.Schema{Type: schema.TypeString}
	}
	return found
}

func texts(required bool, names ...string) arguments {
	found := arguments{}
	for _, name := range names {
		found[name] = argument(schema.TypeString, required)
	}
	return found
}

func connection() arguments {
	found := texts(false, "ca_cert", "client_cert", "client_key", "sasl_username", "sasl_password", "sasl_mechanism")
	found["bootstrap_servers"] = argument(schema.TypeList, true)
	found["tls_enabled"] = argument(schema.TypeBool, false)
	return found
}

func topic() arguments {
	found := texts(true, "name")
	found["partitions"] = argument(schema.TypeInt, true)
	found["replication_factor"] = argument(schema.TypeInt, true)
	found["config"] = argument(schema.TypeMap, false)
	return found
}

func accessRight() arguments {
	found := texts(true, "resource_name", "resource_type", "acl_principal", "acl_host", "acl_operation",
		"acl_permission_type")
	found["resource_pattern_type_filter"] = argument(schema.TypeString, false)
	return found
}

func resource(found arguments) *schema.Resource {
	nothing := func(*schema.ResourceData, any) error { return nil }
	return &schema.Resource{Schema: found, Create: nothing, Read: nothing, Update: nothing, Delete: nothing}
}

func main() {
	plugin.Serve(&plugin.ServeOpts{ProviderFunc: func() *schema.Provider {
		return &schema.Provider{Schema: connection(), ResourcesMap: map[string]*schema.Resource{
			"kafka_topic": resource(topic()), "kafka_acl": resource(accessRight()),
		}}
	}})
}
