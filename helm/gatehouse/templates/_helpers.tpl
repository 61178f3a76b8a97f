{{- define "gatehouse.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "gatehouse.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "gatehouse.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gatehouse.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gatehouse.labels" -}}
{{ include "gatehouse.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "gatehouse.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "gatehouse.secretName" -}}
{{- .Values.existingSecret | default (include "gatehouse.fullname" .) -}}
{{- end }}

{{- define "gatehouse.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "gatehouse.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end }}

{{- /* Names by which clients may call the server, comma separated: its services, the ingress, and those of the values. */ -}}
{{- define "gatehouse.allowedHosts" -}}
{{- $name := include "gatehouse.fullname" . -}}
{{- $service := printf "%s.%s" $name .Release.Namespace -}}
{{- $own := list $name $service (printf "%s.svc" $service) (printf "%s.svc.cluster.local" $service) -}}
{{- concat $own (ternary .Values.ingress.hosts list .Values.ingress.enabled) .Values.server.allowedHosts | uniq | join "," -}}
{{- end }}

{{- /* What no container of ours may do. */ -}}
{{- define "gatehouse.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
capabilities:
  drop: [ALL]
{{- end }}

{{- define "gatehouse.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- /* Values that cannot work together. Each sentence says what to do. */ -}}
{{- define "gatehouse.validate" -}}
{{- $replicas := .Values.replicas | int -}}
{{- if and (gt $replicas 1) (not .Values.redis.enabled) (not .Values.autoscaling.enabled) -}}
{{- fail (printf "replicas is %d and redis.enabled is false: replicas share sessions, limits and the state of tools through Redis. Set redis.enabled and put MCP_REDIS_URL into the secret, or set replicas to 1." $replicas) -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (not .Values.redis.enabled) -}}
{{- fail "autoscaling.enabled is true and redis.enabled is false: replicas share sessions, limits and the state of tools through Redis. Set redis.enabled and put MCP_REDIS_URL into the secret, or set autoscaling.enabled to false." -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (.Values.autoscaling.minReplicas | int) (.Values.autoscaling.maxReplicas | int)) -}}
{{- fail "autoscaling.minReplicas is more than autoscaling.maxReplicas: set it to less." -}}
{{- end -}}
{{- if and .Values.state.existingClaim .Values.redis.enabled -}}
{{- fail "state.existingClaim is set and redis.enabled is true: with Redis nothing is kept in the pod. Take one of the two away." -}}
{{- end -}}
{{- /* The program takes 5 s for its end at least, however short its grace. */ -}}
{{- $needed := add .Values.preStopSleepSeconds (max 5 (.Values.server.shutdownGraceSeconds | int)) | int -}}
{{- if le (.Values.terminationGracePeriodSeconds | int) $needed -}}
{{- fail (printf "terminationGracePeriodSeconds is %d, and the pause before the end (preStopSleepSeconds) and server.shutdownGraceSeconds take %d: set it to more, or the pod is killed in the middle of a call." (.Values.terminationGracePeriodSeconds | int) $needed) -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.enabled is true and ingress.hosts is empty: name at least one host." -}}
{{- end -}}
{{- range $name := keys .Values.config -}}
{{- if has $name (concat $.Values.secretKeys $.Values.optionalSecretKeys (list "MCP_SESSION_KEYS" "MCP_AUTH_TOKENS" "MCP_API_KEYS" "MCP_JWT_SECRET" "MCP_REDIS_URL" "MCP_REDIS_SENTINEL_PASSWORD")) -}}
{{- fail (printf "config.%s is a secret: put it into existingSecret, and its name into secretKeys." $name) -}}
{{- end -}}
{{- if hasKey (include "gatehouse.ownSettings" $ | fromYaml) $name -}}
{{- fail (printf "config.%s is set by the chart: use the value that is meant for it." $name) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* Settings that the chart makes of its values: of YAML, all texts. */ -}}
{{- define "gatehouse.ownSettings" -}}
MCP_SERVER_TRANSPORT: {{ join "," .Values.server.transports | quote }}
MCP_SERVER_HOST: 0.0.0.0
MCP_SERVER_PORT: {{ .Values.server.port | int | quote }}
MCP_SERVER_NAME: {{ .Values.server.name | quote }}
MCP_SERVER_SHUTDOWN_GRACE_PERIOD: {{ .Values.server.shutdownGraceSeconds | int | quote }}
MCP_ALLOWED_HOSTS: {{ include "gatehouse.allowedHosts" . | quote }}
MCP_STATE_DIR: /var/lib/gatehouse
{{- if has "tcp" .Values.server.transports }}
MCP_TCP_PORT: {{ .Values.server.tcpPort | int | quote }}
{{- end }}
{{- with .Values.server.publicUrl }}
MCP_PUBLIC_URL: {{ . | quote }}
{{- end }}
{{- with .Values.server.trustedProxies }}
MCP_TRUSTED_PROXIES: {{ join "," . | quote }}
{{- end }}
{{- with .Values.toolsPath }}
MCP_TOOLS_PATH: {{ join "," . | quote }}
{{- end }}
{{- if .Values.management.enabled }}
MCP_MANAGEMENT_PORT: {{ .Values.management.port | int | quote }}
{{- end }}
{{- if .Values.roles }}
MCP_ROLES_FILE: /etc/gatehouse/roles.yaml
{{- end }}
{{- if .Values.redis.enabled }}
MCP_REDIS_KEY_PREFIX: {{ .Values.redis.keyPrefix | default (printf "%s:%s:" .Release.Namespace .Release.Name) | quote }}
{{- with .Values.redis.ca.existingSecret }}
MCP_REDIS_CA: /etc/gatehouse-redis/ca.crt
{{- end }}
{{- end }}
{{- end }}

{{- /* Secrets, each by reference alone. */ -}}
{{- define "gatehouse.secretEnv" -}}
{{- range .Values.secretKeys }}
- name: {{ . }}
  valueFrom:
    secretKeyRef: { name: {{ include "gatehouse.secretName" $ }}, key: {{ . }} }
{{- end }}
{{- range .Values.optionalSecretKeys }}
- name: {{ . }}
  valueFrom:
    secretKeyRef: { name: {{ include "gatehouse.secretName" $ }}, key: {{ . }}, optional: true }
{{- end }}
{{- if .Values.redis.enabled }}
- name: MCP_REDIS_URL
  valueFrom:
    secretKeyRef: { name: {{ .Values.redis.existingSecret | default (include "gatehouse.secretName" .) }}, key: {{ .Values.redis.urlKey }} }
{{- end }}
{{- end }}
