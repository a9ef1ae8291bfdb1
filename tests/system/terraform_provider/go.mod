module stand-in

go 1.23

require github.com/hashicorp/terraform-plugin-sdk/v2 v2.37.0
